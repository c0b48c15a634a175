import assert from 'node:assert/strict';
import { ServiceSlots } from '../../src/host/service-slots.ts';

/** The kernel's table, and what was done to it. */
function table(): { done: string[]; tracer: ConstructorParameters<typeof ServiceSlots>[0] } {
  const done: string[] = [];
  const number = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32LE();
  return {
    done,
    tracer: {
      update: (map, key, value) => void done.push(`${map} ${number(key)}=${number(value)}`),
      delete: (map, key) => done.push(`${map} ${number(key)} gone`) > 0,
      setGlobal: (name, value) => void done.push(`${name}=${value}`),
    },
  };
}

const of = (
  pid: number,
  service: string,
  namespace = '',
): { pid: number; service: string; namespace: string } => ({
  pid,
  service,
  namespace,
});

describe('host/service-slots', () => {
  it('tell the kernel of each process once, and of those that are gone', () => {
    const { done, tracer } = table();
    const slots = new ServiceSlots(tracer);
    slots.update([of(7, 'shop'), of(8, 'cart'), of(9, 'shop')]);
    assert.deepEqual(done.splice(0), ['slots 7=1', 'slots 8=2', 'slots 9=1', 'slot_count=3']);
    slots.update([of(7, 'shop'), of(8, 'cart'), of(9, 'shop')]);
    assert.deepEqual(done, []);
    slots.update([of(8, 'cart', 'market'), of(9, 'shop')]);
    assert.deepEqual(done.splice(0), ['slots 7 gone', 'slots 8=3', 'slot_count=2']);
    assert.deepEqual(slots.services, [
      ['', ''],
      ['shop', ''],
      ['cart', ''],
      ['cart', 'market'],
    ]);
  });

  it('keep a service’s slot when its last process is gone', () => {
    const { done, tracer } = table();
    const slots = new ServiceSlots(tracer);
    slots.update([of(7, 'shop')]);
    slots.update([]);
    slots.update([of(8, 'cart'), of(9, 'shop')]);
    assert.deepEqual(done.slice(-3), ['slots 8=2', 'slots 9=1', 'slot_count=2']);
  });

  it('count whom they have no room for', () => {
    const { done, tracer } = table();
    const slots = new ServiceSlots(tracer);
    slots.update(Array.from({ length: 130 }, (_, n) => of(n, `s${n}`)));
    assert.equal(slots.services.length, 128);
    assert.equal(slots.left, 3);
    assert.equal(done.at(-1), 'slot_count=127');
    slots.update(Array.from({ length: 5000 }, (_, n) => of(n, 's1')));
    assert.equal(slots.left, 5000 - 4096);
  });
});
