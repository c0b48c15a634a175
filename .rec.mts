import { readRecording } from './src/capture/recording.ts';
import { DataRecord, Kind } from './src/capture/records.gen.ts';
const [file, port, which, most] = process.argv.slice(2);
const socks = new Map<number, number>();
let t0 = 0, shown = 0;
const d: any = new DataRecord();
for (const buf of readRecording(file!)) {
  for (let at = 0; at < buf.length; ) {
    d.u8 = buf; d.u32 = new Uint32Array(buf.buffer); d.u16 = new Uint16Array(buf.buffer); d.offset = at;
    const size = d.size;
    if (d.kind === Kind.data && (d.localPort === +port! || d.remotePort === +port!)) {
      if (!socks.has(d.sock)) { socks.set(d.sock, socks.size); }
      t0 ||= d.timeNs;
      const n = socks.get(d.sock);
      if ((which === '*' || String(n) === which) && shown++ < +most!) {
        const p = buf.subarray(at + DataRecord.SIZE, at + DataRecord.SIZE + Math.min(d.captured, +(process.env.HEXLEN ?? 24)));
        console.log(n, d.localPort === +port! ? 'S' : 'C', d.direction, ((d.timeNs - t0) / 1e6).toFixed(2), 'pos', d.position, 'len', d.length, 'cap', d.captured, 'fl', d.flags, Buffer.from(p).toString('hex'));
      }
    }
    at += (size + 7) & ~7;
  }
}
