/**
 * A Grafana dashboard from a short description: rows of panels, laid out from left to right, on the variables that all dashboards share.
 * Grafana's own model is in https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/.
 */

/** One PromQL query of a panel, and how its series are called. */
export interface Query {
  expr: string;
  /** With `{{label}}`; the refId in tables. */
  legend?: string;
  /** Show exemplars: points that lead to a trace. For histograms over time. */
  exemplars?: true;
}

/** What a click on a field opens. */
export interface DataLink {
  field: string;
  title: string;
  url: string;
}

export interface Panel {
  title: string;
  kind: 'timeseries' | 'stat' | 'table' | 'nodeGraph';
  /** Grafana's name of the unit, such as `reqps`, `percentunit`, `s`, `bytes`. Of tables: of each query in order. */
  unit: string | readonly string[];
  queries: readonly Query[];
  /** What it says, and what to make of it. */
  description?: string;
  /** Of 24 columns. */
  width?: number;
  height?: number;
  /** timeseries: areas on top of each other. */
  stacked?: true;
  /** stat: from this value on it is red. */
  redFrom?: number;
  /** table: the label that is a row, and titles of the columns, one a query. */
  by?: readonly string[];
  columns?: readonly string[];
  links?: readonly DataLink[];
}

export interface Row {
  title: string;
  panels: readonly Panel[];
}

export interface Dashboard {
  /** File name, and the uid with `undertrace-` in front. */
  name: string;
  title: string;
  description: string;
  variables: readonly Variable[];
  links?: ReadonlyArray<{ title: string; url: string }>;
  rows: readonly Row[];
}

export interface Variable {
  name: string;
  label: string;
  /** PromQL, or label_values(…). */
  query: string;
  /** Several values, and all of them. */
  multi: boolean;
}

const COLUMNS = 24;
const HEIGHTS = { timeseries: 8, stat: 4, table: 9, nodeGraph: 12 };
const WIDTHS = { timeseries: 8, stat: 4, table: 24, nodeGraph: 12 };
const DATA_SOURCE = { type: 'prometheus', uid: '${DS_PROMETHEUS}' };

/** The two variables of every dashboard: which agents. */
export const AGENTS: readonly Variable[] = [
  { name: 'job', label: 'Job', query: 'label_values(undertrace_build_info, job)', multi: true },
  {
    name: 'instance',
    label: 'Agent',
    query: 'label_values(undertrace_build_info{job=~"$job"}, instance)',
    multi: true,
  },
];
/** Selects their series. */
export const FROM = 'job=~"$job",instance=~"$instance"';

/** The JSON that Grafana reads. */
export function render(dashboard: Dashboard): object {
  return {
    uid: `undertrace-${dashboard.name}`,
    title: dashboard.title,
    description: dashboard.description,
    tags: ['undertrace'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-30m', to: 'now' },
    annotations: { list: [] },
    links: [
      {
        type: 'dashboards',
        title: 'Undertrace',
        tags: ['undertrace'],
        asDropdown: false,
        includeVars: true,
        keepTime: true,
        icon: 'external link',
      },
      ...(dashboard.links ?? []).map(({ title, url }) => ({
        type: 'link',
        title,
        url,
        icon: 'external link',
        targetBlank: true,
        keepTime: false,
      })),
    ],
    templating: { list: [dataSourceVariable(), ...dashboard.variables.map(variable)] },
    panels: layOut(dashboard.rows),
  };
}

function dataSourceVariable(): object {
  return { name: 'DS_PROMETHEUS', label: 'Prometheus', type: 'datasource', query: 'prometheus', refresh: 1 };
}

function variable({ name, label, query, multi }: Variable): object {
  return {
    ...{ name, label, type: 'query', datasource: DATA_SOURCE, definition: query },
    ...{ query: { query, refId: name }, refresh: 2, sort: 1, multi, includeAll: multi },
    ...(multi ? { allValue: '.*', current: { text: 'All', value: '$__all' } } : {}),
  };
}

function layOut(rows: readonly Row[]): object[] {
  const made: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    made.push({
      ...{ id: made.length + 1, type: 'row', title, collapsed: false, panels: [] },
      gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 },
    });
    let [x, tallest] = [0, 0];
    for (const panel of panels) {
      const [w, h] = [panel.width ?? WIDTHS[panel.kind], panel.height ?? HEIGHTS[panel.kind]];
      if (x + w > COLUMNS) [x, y, tallest] = [0, y + tallest, 0];
      made.push({ id: made.length + 1, ...renderPanel(panel), gridPos: { x, y, w, h } });
      x += w;
      tallest = Math.max(tallest, h);
    }
    y += tallest;
  }
  return made;
}

function renderPanel(panel: Panel): object {
  const { kind, title, description } = panel;
  return {
    ...{ type: kind, title, ...(description && { description }), datasource: DATA_SOURCE },
    targets: panel.queries.map((query, i) => target(panel, query, i)),
    ...RENDERERS[kind](panel),
  };
}

function refId(panel: Panel, i: number): string {
  return panel.kind === 'nodeGraph' ? ['nodes', 'edges'][i]! : String.fromCharCode('A'.charCodeAt(0) + i);
}

function target(panel: Panel, { expr, legend, exemplars }: Query, i: number): object {
  const over = panel.kind === 'timeseries';
  return {
    ...{ refId: refId(panel, i), datasource: DATA_SOURCE, editorMode: 'code', expr },
    ...(over ? { range: true } : { instant: true, range: false }),
    ...(panel.kind === 'table' || panel.kind === 'nodeGraph' ? { format: 'table' } : {}),
    ...(legend === undefined ? {} : { legendFormat: legend }),
    ...(exemplars ? { exemplar: true } : {}),
  };
}

const RENDERERS: Record<Panel['kind'], (panel: Panel) => object> = {
  timeseries: ({ unit, stacked }) => ({
    fieldConfig: {
      defaults: {
        ...{ unit, min: 0 },
        custom: {
          ...{ drawStyle: 'line', lineWidth: 1, fillOpacity: stacked ? 30 : 8, showPoints: 'never' },
          stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  }),
  stat: ({ unit, redFrom }) => ({
    fieldConfig: {
      defaults: {
        unit,
        thresholds: {
          mode: 'absolute',
          steps: [
            { color: 'green', value: null },
            ...(redFrom === undefined ? [] : [{ color: 'red', value: redFrom }]),
          ],
        },
      },
      overrides: [],
    },
    options: {
      ...{ colorMode: 'value', graphMode: 'none', textMode: 'auto' },
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  }),
  table: renderTable,
  nodeGraph: ({ unit }) => ({
    fieldConfig: { defaults: { unit }, overrides: [] },
    transformations: [
      {
        id: 'organize',
        options: { renameByName: { 'Value #nodes': 'mainstat', 'Value #edges': 'mainstat' } },
      },
    ],
    options: {},
  }),
};

function renderTable({ unit, queries, by = [], columns = [], links = [] }: Panel): object {
  const values = queries.map((_, i) => `Value #${String.fromCharCode('A'.charCodeAt(0) + i)}`);
  // One query leaves its value without a number, several are joined by the first label.
  const fields = queries.length === 1 ? ['Value'] : values;
  const times = ['Time', ...queries.map((_, i) => `Time ${i + 1}`)];
  const named = (name: string, properties: object[]): object => ({
    matcher: { id: 'byName', options: name },
    properties,
  });
  return {
    fieldConfig: {
      defaults: {},
      overrides: [
        ...columns.map((column, i) => named(column, [{ id: 'unit', value: unit[i] }])),
        ...links.map(({ field, title, url }) => named(field, [{ id: 'links', value: [{ title, url }] }])),
      ],
    },
    transformations: [
      ...(queries.length === 1
        ? []
        : by.length === 1
          ? [{ id: 'joinByField', options: { byField: by[0], mode: 'outer' } }]
          : [{ id: 'merge', options: {} }]),
      {
        id: 'organize',
        options: {
          excludeByName: Object.fromEntries(times.map((time) => [time, true])),
          renameByName: Object.fromEntries(fields.map((field, i) => [field, columns[i]])),
        },
      },
    ],
    options: { showHeader: true, sortBy: [{ displayName: columns[0], desc: true }] },
  };
}
