import { readFileSync } from 'node:fs';

/** Bytes of an Ethernet header, and of the fixed part of IPv4's. */
const ETHERNET = 14;

/** What one end of a connection sent, by the capture: pieces as they came, repeated ones as well. */
export interface Stream {
  readonly from: number;
  readonly to: number;
  readonly bytes: Buffer;
}

/** The TCP streams of a recording in libpcap's format (little-endian, Ethernet, IPv4). */
export function streamsOf(file: string): Stream[] {
  const capture = readFileSync(file);
  const pieces = new Map<string, { from: number; to: number; pieces: Buffer[] }>();
  for (let at = 24; at + 16 <= capture.length;) {
    const length = capture.readUInt32LE(at + 8);
    const frame = capture.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    if (frame.length < 54 || frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 6) continue;
    const network = ((frame[ETHERNET] ?? 0) & 15) * 4;
    const tcp = ETHERNET + network;
    const [from, to] = [frame.readUInt16BE(tcp), frame.readUInt16BE(tcp + 2)];
    const payload = frame.subarray(
      tcp + ((frame[tcp + 12] ?? 0) >> 4) * 4,
      ETHERNET + frame.readUInt16BE(ETHERNET + 2),
    );
    if (payload.length === 0) continue;
    const name = [...frame.subarray(26, 34), from, to].join();
    const stream = pieces.get(name) ?? { from, to, pieces: [] };
    stream.pieces.push(payload);
    pieces.set(name, stream);
  }
  return [...pieces.values()].map(({ from, to, pieces: list }) => ({
    from,
    to,
    bytes: Buffer.concat(list),
  }));
}
