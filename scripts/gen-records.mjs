// Writes bpf/records.gen.h and src/capture/records.gen.ts from bpf/records.toml.
// With --check it writes nothing and exits 1 if either file differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import * as prettier from 'prettier';

const root = new URL('../', import.meta.url);
const schema = parse(readFileSync(new URL('bpf/records.toml', root), 'utf8'));
const SIZES = { u8: 1, u16: 2, u32: 4, u64: 8, i64: 8 };
const C_TYPES = { u8: '__u8', u16: '__u16', u32: '__u32', u64: '__u64', i64: '__s64' };

const camel = (name) => name.replace(/_([a-z])/g, (_, c) => c.toUpperCase());
const pascal = (name) => camel(`_${name}`);
const entries = (e) => Object.entries(e).filter(([key]) => key !== 'doc');

/** Fields of a record with offsets; refuses layouts with implicit padding. */
function layout(name, record) {
  const groups = ['head', ...(record.groups ?? [])];
  const fields = [...groups.flatMap((g) => schema.groups[g].fields), ...(record.fields ?? [])];
  let offset = 0;
  const placed = fields.map((field) => {
    const size = SIZES[field.type];
    if (offset % size)
      throw new Error(`records.toml: ${name}.${field.name} at ${offset} is not aligned to ${size}`);
    const at = { ...field, offset, size: size * (field.count ?? 1) };
    offset += at.size;
    return at;
  });
  if (offset % 8) throw new Error(`records.toml: ${name} is ${offset} bytes, not a multiple of 8`);
  return { name, doc: record.doc, fields: placed, size: offset };
}

const records = Object.entries(schema.records).map(([name, record]) => layout(name, record));

function header() {
  const out = ['/* Generated from records.toml by `npm run gen`. Do not edit. */', '#pragma once', ''];
  out.push(`#define RECORD_VERSION ${schema.version}`, '');
  for (const [name, e] of Object.entries(schema.enums)) {
    out.push(`/* ${e.doc} */`, `enum ${name} {`);
    for (const [key, v] of entries(e)) out.push(`\t${name}_${key} = ${v.value}, /* ${v.doc} */`);
    if (name === 'counter') out.push(`\tcounter_count = ${entries(e).length},`);
    out.push('};', '');
  }
  for (const r of records) {
    out.push(`/* ${r.doc} */`, `struct ${r.name}_record {`);
    for (const f of r.fields)
      out.push(`\t${C_TYPES[f.type]} ${f.name}${f.count ? `[${f.count}]` : ''}; /* ${f.doc} */`);
    out.push('};', `_Static_assert(sizeof(struct ${r.name}_record) == ${r.size}, "${r.name} layout");`, '');
  }
  return out.join('\n');
}

/** An accessor; 64-bit values are numbers, exact up to 2^53 (104 days of nanoseconds, then to 2 ns). */
function accessor(f) {
  const doc = `  /** ${f.doc[0].toUpperCase()}${f.doc.slice(1)}. */`;
  const at = (n) => (n ? `this.offset + ${n}` : 'this.offset');
  const u32 = (n) => `this.u32[(${at(n)}) >>> 2]!`;
  if (f.count)
    return [
      doc,
      `  get ${camel(f.name)}(): Uint8Array {`,
      `    return this.u8.subarray(${at(f.offset)}, ${at(f.offset + f.size)});`,
      '  }',
    ];
  const value = {
    u8: `this.u8[${at(f.offset)}]!`,
    u16: `this.u16[(${at(f.offset)}) >>> 1]!`,
    u32: u32(f.offset),
    u64: `${u32(f.offset + 4)} * 4294967296 + ${u32(f.offset)}`,
    i64: `(${u32(f.offset + 4)} | 0) * 4294967296 + ${u32(f.offset)}`,
  }[f.type];
  return [doc, `  get ${camel(f.name)}(): number {`, `    return ${value};`, '  }'];
}

function accessors() {
  const out = ['// Generated from bpf/records.toml by `npm run gen`. Do not edit.', ''];
  out.push("import { RecordView } from './record-view.ts';", '');
  out.push(`export const RECORD_VERSION = ${schema.version};`, '');
  for (const [name, e] of Object.entries(schema.enums)) {
    out.push(`/** ${e.doc} */`, `export const ${pascal(name)} = {`);
    for (const [key, v] of entries(e))
      out.push(`  /** ${v.doc[0].toUpperCase()}${v.doc.slice(1)}. */`, `  ${key}: ${v.value},`);
    out.push('} as const;', '');
  }
  for (const r of records) {
    out.push(
      `/** ${r.doc} */`,
      `export class ${pascal(r.name)}Record extends RecordView {`,
      `  static readonly SIZE = ${r.size};`,
    );
    for (const f of r.fields) if (f.name !== 'pad') out.push(...accessor(f));
    if (r.fields.some((f) => f.name === 'captured')) {
      out.push(
        '  /** The captured bytes; a view that is valid until the next drain. */',
        '  get payload(): Uint8Array {',
      );
      out.push(
        `    const start = this.offset + ${r.size};`,
        '    return this.u8.subarray(start, start + this.captured);',
        '  }',
      );
    }
    out.push('}', '');
  }
  out.push(
    '/** Offsets of every field, for writing records and for comparing with the object’s BTF. */',
    'export const LAYOUT = {',
  );
  for (const r of records) {
    out.push(`  ${r.name}: { size: ${r.size}, fields: {`);
    for (const f of r.fields)
      if (f.name !== 'pad')
        out.push(`${f.name}: { offset: ${f.offset}, type: '${f.type}', count: ${f.count ?? 1} },`);
    out.push('} },');
  }
  out.push('} as const;', '');
  return out.join('\n');
}

const config = await prettier.resolveConfig(new URL('package.json', root).pathname);
const files = [
  ['bpf/records.gen.h', header()],
  ['src/capture/records.gen.ts', await prettier.format(accessors(), { ...config, parser: 'typescript' })],
];
let drift = false;
for (const [path, text] of files) {
  const url = new URL(path, root);
  if (!process.argv.includes('--check')) writeFileSync(url, text);
  else if (readFileSync(url, 'utf8') !== text) {
    drift = true;
    console.error(`${path} does not match bpf/records.toml: run npm run gen`);
  }
}
process.exitCode = drift ? 1 : 0;
