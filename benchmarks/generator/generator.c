/* The load generator: sends prepared requests, keeps the replies, writes down when each came.
 *
 *     generator PORT SOCKETS WINDOW RATE SECONDS FIRST WARM LIMIT PATIENCE LOAD RESULT
 *
 * Socket n sends from 127.0.0.(n + 1) every SOCKETS-th request of the file LOAD, beginning with
 * number FIRST and around again at its end.  RATE 0: each socket keeps WINDOW requests in flight;
 * else RATE requests a second are sent, whether answers come or not.  WARM requests are sent
 * before the clock starts; then "ready" is printed and a line on stdin waited for.  LIMIT is the
 * most requests of the clock's time, or 0.  What has no reply after PATIENCE seconds is lost.  At
 * the end one line of JSON is printed.
 *
 * LOAD: for each request its length (16 bits) and octets.  RESULT: for each request that was sent
 * its number (32 bits), the length of its reply (32 bits; 0 is lost), when it was sent and when
 * its reply came (64 bits each, nanoseconds from the start), and the reply.  Host byte order.
 * Nothing is verified here: that is done after the clock, from the replies.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, MOST_SOCKETS = 64, LARGEST = 512, IDENTIFIERS = 256 };

typedef struct { uint16_t length; const uint8_t *octets; } Request;
typedef struct { uint32_t number, length; int64_t sent, came; } Record;
typedef struct { Record record; int is_waiting, is_late; } Slot;
typedef struct { uint64_t turn; int waiting; Slot slots[IDENTIFIERS]; } Line;

static Request *requests;
static uint32_t count;
static Line lines[MOST_SOCKETS];
static struct pollfd sockets[MOST_SOCKETS];
static uint64_t sockets_used, window, first, sent, answered, lost, stray;
static int64_t epoch, patience;
static FILE *result;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec - epoch;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void read_load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail(path);
    long size = ftell(file);
    uint8_t *octets = malloc(size);
    rewind(file);
    if (fread(octets, 1, size, file) != (size_t)size) fail(path);
    fclose(file);
    requests = malloc(sizeof(Request) * (size / 22 + 1));
    for (long at = 0; at + 2 <= size; at += 2 + requests[count++].length) {
        memcpy(&requests[count].length, octets + at, 2);
        requests[count].octets = octets + at + 2;
    }
}

static void open_sockets(int port) {
    for (uint64_t each = 0; each < sockets_used; each++) {
        struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + each);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(port);
        sockets[each].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        sockets[each].events = POLLIN;
        if (bind(sockets[each].fd, (void *)&from, sizeof from)) fail("bind");
        if (connect(sockets[each].fd, (void *)&to, sizeof to)) fail("connect");
    }
}

static void keep(Slot *slot, const uint8_t *reply) {
    fwrite(&slot->record, sizeof slot->record, 1, result);
    fwrite(reply, 1, slot->record.length, result);
}

/* Send as many as there is room for, at most `most`; how many that were. */
static uint64_t send_some(uint64_t socket, uint64_t most) {
    struct mmsghdr messages[BATCH] = {0};
    struct iovec parts[BATCH];
    Slot *slots[BATCH];
    Line *line = &lines[socket];
    int ready = 0;
    while (ready < BATCH && (uint64_t)ready < most) {
        uint32_t number = (first + socket + line->turn * sockets_used) % count;
        Request *request = &requests[number];
        Slot *slot = &line->slots[request->octets[1]];
        if (slot->is_waiting) break; /* its identifier is still in use */
        slot->is_waiting = 1;
        slot->is_late = 0;
        slot->record = (Record){.number = number};
        parts[ready] = (struct iovec){(void *)request->octets, request->length};
        messages[ready].msg_hdr.msg_iov = &parts[ready];
        messages[ready].msg_hdr.msg_iovlen = 1;
        slots[ready++] = slot;
        line->turn++;
    }
    int64_t at = now();
    for (int each = 0; each < ready; each++) slots[each]->record.sent = at;
    int done = ready ? sendmmsg(sockets[socket].fd, messages, ready, 0) : 0;
    if (done < 0) done = 0;
    for (int each = done; each < ready; each++) slots[each]->is_waiting = 0; /* not sent */
    line->turn -= ready - done;
    line->waiting += done;
    sent += done;
    return done;
}

static void receive(uint64_t socket) {
    static uint8_t octets[BATCH][LARGEST];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec parts[BATCH];
    for (int each = 0; each < BATCH; each++) {
        parts[each] = (struct iovec){octets[each], LARGEST};
        messages[each].msg_hdr.msg_iov = &parts[each];
        messages[each].msg_hdr.msg_iovlen = 1;
    }
    int came = recvmmsg(sockets[socket].fd, messages, BATCH, MSG_DONTWAIT, NULL);
    int64_t at = now();
    for (int each = 0; each < came; each++) {
        Slot *slot = &lines[socket].slots[octets[each][1]];
        if (messages[each].msg_len < 2 || !slot->is_waiting) {
            stray += !slot->is_late; /* or it was taken for lost before */
            slot->is_late = 0;
            continue;
        }
        slot->is_waiting = 0;
        slot->record.length = messages[each].msg_len;
        slot->record.came = at;
        keep(slot, octets[each]);
        lines[socket].waiting--;
        answered++;
    }
}

static void give_up(int64_t sent_before) {
    for (uint64_t socket = 0; socket < sockets_used; socket++)
        for (int each = 0; each < IDENTIFIERS; each++) {
            Slot *slot = &lines[socket].slots[each];
            if (!slot->is_waiting || slot->record.sent > sent_before) continue;
            slot->is_waiting = 0;
            slot->is_late = 1;
            keep(slot, (const uint8_t *)"");
            lines[socket].waiting--;
            lost++;
        }
}

/* Send and receive until `until`, or until `limit` were sent, and then for the replies. */
static void run(int64_t until, uint64_t rate, uint64_t limit) {
    int64_t began = now(), next_look = began + patience / 10;
    for (;;) {
        int64_t at = now();
        int is_over = at >= until || (limit && sent >= limit);
        if (stray || (is_over && sent == answered + lost)) return;
        uint64_t due = rate ? (at - began) * rate / 1000000000 + 1 : UINT64_MAX;
        if (!is_over && rate)
            while (sent < due && (!limit || sent < limit) && send_some(sent % sockets_used, 1));
        for (uint64_t socket = 0; !is_over && !rate && socket < sockets_used; socket++) {
            uint64_t room = window - lines[socket].waiting;
            if (limit && room > limit - sent) room = limit - sent;
            if (room) send_some(socket, room);
        }
        int64_t pause = patience / 20;
        if (!is_over && rate) pause = (int64_t)((sent + 1) * 1000000000 / rate) + began - now();
        struct timespec wait = {0, pause > 0 ? pause % 1000000000 : 0};
        if (ppoll(sockets, sockets_used, &wait, NULL) > 0)
            for (uint64_t socket = 0; socket < sockets_used; socket++)
                if (sockets[socket].revents) receive(socket);
        if ((at = now()) > next_look) {
            give_up(at - patience);
            next_look = at + patience / 10;
        }
    }
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 12) return 2;
    sockets_used = atoi(argv[2]);
    window = atoi(argv[3]);
    uint64_t rate = atoi(argv[4]), warm = atoi(argv[7]), limit = atoi(argv[8]);
    int64_t seconds = atof(argv[5]) * 1e9;
    patience = atof(argv[9]) * 1e9;
    first = atoi(argv[6]);
    prctl(PR_SET_TIMERSLACK, 1);
    read_load(argv[10]);
    open_sockets(atoi(argv[1]));
    if (!(result = fopen("/dev/null", "wb"))) fail("/dev/null");
    if (warm) run(INT64_MAX, 0, warm);
    fclose(result);
    if (!(result = fopen(argv[11], "wb"))) fail(argv[11]);
    setvbuf(result, NULL, _IOFBF, 1 << 20);
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF) return 1;
    sent = answered = lost = stray = 0;
    double cpu = cpu_seconds();
    epoch += now();
    run(seconds, rate, limit);
    printf("{\"answered\": %lu, \"lost\": %lu, \"stray\": %lu, \"seconds\": %.6f, \"cpu\": %.6f}\n",
           answered, lost, stray, now() / 1e9, cpu_seconds() - cpu);
    return fclose(result) ? 1 : 0;
}
