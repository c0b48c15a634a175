import type { Log } from '../../src/base/log-shape.ts';

export interface Line {
  level: keyof Log;
  fields: object;
  message: string;
}

export function collectLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: keyof Log) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}
