// Looks for QR codes with the front camera; no picture leaves the tablet.
import { decodeQR } from "./qr/decode.js";

const EVERY = 150;
const WIDTH = 640; // what is read is no larger, and is not mirrored
const GONE = 2000; // a code that was out of sight for so long is held up once more

export async function look(video, seen) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
  });
  video.srcObject = stream;
  await video.play();
  const canvas = document.createElement("canvas");
  const picture = canvas.getContext("2d", { willReadFrequently: true });
  const last = { code: "", at: 0 };

  function read() {
    if (!video.videoWidth || document.hidden) return;
    const width = Math.min(WIDTH, video.videoWidth);
    const height = Math.round((video.videoHeight * width) / video.videoWidth);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    picture.drawImage(video, 0, 0, width, height);
    let code;
    try {
      code = decodeQR(picture.getImageData(0, 0, width, height));
    } catch {
      return; // there is none, which is how it mostly is
    }
    const now = performance.now();
    const held = code === last.code && now - last.at < GONE;
    last.code = code;
    last.at = now;
    if (!held && !seen(code)) last.code = ""; // nobody had time for it: it is new the next time
  }

  (function again() {
    read();
    setTimeout(again, EVERY);
  })();
}
