/** The queries of the dashboards in config/grafana/, as Grafana would send them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inCheckout } from './programs.ts';

const FOLDER = inCheckout('config', 'grafana');

interface Target {
  expr: string;
  refId: string;
  instant?: boolean;
  exemplar?: boolean;
}

export interface Panel {
  type: string;
  title: string;
  targets?: Target[];
}

export interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: Array<{ name: string; type: string; definition?: string }> };
}

export interface PanelQuery {
  /** `dashboard / panel` with the query's letter where there are several. */
  name: string;
  expr: string;
  instant: boolean;
  exemplars: boolean;
}

/** By file name. */
export function dashboards(): Record<string, Dashboard> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  return Object.fromEntries(
    files.map((file) => [file, JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Dashboard]),
  );
}

export function panelQueries(): PanelQuery[] {
  return Object.entries(dashboards()).flatMap(([file, { panels }]) => {
    let row = '';
    return panels.flatMap(({ type, title, targets = [] }) => {
      if (type === 'row') row = title;
      return targets.map(({ expr, refId, instant, exemplar }) => ({
        name: `${file.replace('.json', '')} / ${row} / ${title}${targets.length > 1 ? ` ${refId}` : ''}`,
        ...{ expr, instant: instant === true, exemplars: exemplar === true },
      }));
    });
  });
}

/** The query with the values of variables. `$__rate_interval` is one of them. Throws where a variable is left. */
export function substitute(expr: string, values: Readonly<Record<string, string>>): string {
  return expr.replaceAll(/\$(?:\{([a-z]\w*)\}|(_*[a-z]\w*))/gi, (text, braced?: string, bare?: string) => {
    const value = values[(braced ?? bare)!];
    if (value === undefined) throw new Error(`${text} is not a variable of ${expr}`);
    return value;
  });
}

const LABEL_VALUES = /^label_values\((?:(.+), )?(\w+)\)$/;

/** What the variables of a dashboard are asked for: PromQL, and the label whose values they have. */
export function variables({ templating }: Dashboard): Array<{ name: string; expr: string; label: string }> {
  return templating.list.flatMap(({ name, type, definition = '' }) => {
    if (type === 'datasource') return [];
    const [, expr, label] = LABEL_VALUES.exec(definition) ?? [];
    if (expr === undefined || label === undefined)
      throw new Error(`${name}: ${definition} is not understood`);
    return [{ name, expr, label }];
  });
}
