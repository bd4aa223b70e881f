/* Sends each datagram back, as fast as C can: shows what the generator itself can do.
 *
 *     echo PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BATCH = 64, LARGEST = 4096 };

int main(int argc, char **argv) {
    static unsigned char octets[BATCH][LARGEST];
    struct sockaddr_in at = {.sin_family = AF_INET}, from[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH] = {0};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(argc == 2 ? atoi(argv[1]) : 0);
    int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(socket_, (void *)&at, sizeof at)) return 1;
    for (int each = 0; each < BATCH; each++) {
        messages[each].msg_hdr.msg_iov = &parts[each];
        messages[each].msg_hdr.msg_iovlen = 1;
        messages[each].msg_hdr.msg_name = &from[each];
    }
    for (;;) {
        for (int each = 0; each < BATCH; each++) {
            parts[each] = (struct iovec){octets[each], LARGEST};
            messages[each].msg_hdr.msg_namelen = sizeof from[each];
        }
        int came = recvmmsg(socket_, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int each = 0; each < came; each++) parts[each].iov_len = messages[each].msg_len;
        for (int done = 0; done < came;) {
            int now = sendmmsg(socket_, messages + done, came - done, 0);
            if (now < 1) break;
            done += now;
        }
    }
}
