import type { QueryTextOptions } from './protocol/index.ts';
import { ANSI, SqlScanner, Token, type SqlDialect } from './sql-scanner.ts';
import { summarizeSql } from './sql-summary.ts';

export { summarizeSql };

/** One for all texts: none is looked at while another one is. */
const scanner = new SqlScanner();
const PARENTHESIS = 40;
/** In front of it a list is collapsed. */
const IN = /^in$/i;
const BOOLEAN = /^(true|false)$/i;
const LISTED = /^(true|false|null)$/i;

/**
 * The text of a statement without what is in it: each literal becomes `?`, a list behind IN becomes `(?)`, runs of blanks and comments one blank.
 * Placeholders stay. What was cut off in the middle of a literal shows nothing of it. At most `limit` characters.
 */
export function sanitizeSql(text: string, limit: number, dialect: SqlDialect = ANSI): string {
  const tokens = scanner.over(text, dialect);
  let out = '';
  /** What is shown as it is, and follows `out`: `text[from..to)`. */
  let from = 0;
  let to = 0;
  let afterIn = false;
  for (let kind = tokens.next(); kind !== Token.end; kind = tokens.next()) {
    if (out.length + to - from >= limit) break;
    const { start, end } = tokens;
    const shown = shownFor(tokens, afterIn);
    afterIn = kind === Token.word && end - start === 2 && IN.test(text.slice(start, end));
    const joins = start === to || (start === to + 1 && text.charCodeAt(to) === 32);
    if (joins && to > from && shown === '') {
      to = end;
      continue;
    }
    out += text.slice(from, to);
    if (out !== '' && start > to) out += ' ';
    out += shown;
    from = shown === '' ? start : tokens.end;
    to = tokens.end;
  }
  out += text.slice(from, to);
  return cut(withoutEnd(out), limit);
}

/** Without the semicolons at its end. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text.charCodeAt(end - 1) === 59 || text.charCodeAt(end - 1) === 32)) end--;
  return end === text.length ? text : text.slice(0, end);
}

/** What to show instead of the token that the scanner stands at; '' where that is shown itself. */
function shownFor(tokens: SqlScanner, afterIn: boolean): string {
  if (afterIn && tokens.kind === Token.symbol && tokens.text.charCodeAt(tokens.start) === PARENTHESIS)
    return collapsed(tokens);
  return isLiteral(tokens) ? '?' : '';
}

function isLiteral({ kind, text, start, end }: SqlScanner): boolean {
  if (kind === Token.string || kind === Token.value) return true;
  const length = end - start;
  return kind === Token.word && (length === 4 || length === 5) && BOOLEAN.test(text.slice(start, end));
}

/** What to show for the list that the scanner stands at, behind which it then stands; '' where it holds more than values: it is left alone. */
function collapsed(tokens: SqlScanner): string {
  const inside = tokens.end;
  let depth = 1;
  let items = 0;
  while (depth > 0) {
    const kind = tokens.next();
    if (kind === Token.end) return '(?';
    const code = tokens.text.charCodeAt(tokens.start);
    if (kind !== Token.symbol) {
      if (kind === Token.name || (kind === Token.word && !isListed(tokens))) break;
      items++;
    } else if (code === PARENTHESIS) depth++;
    else if (code === 41 /* ) */) depth--;
    else if (code !== 44 /* , */) break;
  }
  if (depth === 0 && items > 0) return '(?)';
  tokens.back(inside);
  return '';
}

function isListed({ text, start, end }: SqlScanner): boolean {
  return end - start <= 5 && LISTED.test(text.slice(start, end));
}

/** Not between the two halves of a character. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit);
}

/** What is shown of a statement. One object for all uses of the same text. */
export interface SqlText {
  /** `db.query.text`. */
  readonly text: string | undefined;
  /** `db.query.summary`. */
  readonly summary: string | undefined;
}

interface Known extends SqlText {
  readonly dialect: SqlDialect;
}

/** Longer texts, in characters, are worked out anew each time. */
const MAX_KNOWN_LENGTH = 2048;
/** Texts of one generation: two are kept, at most 512 texts in all. */
const MAX_KNOWN = 256;

/** Texts of statements as spans show them; those that were used lately are known. */
export class SqlTexts {
  readonly #options: QueryTextOptions;
  #young = new Map<string, Known>();
  #old = new Map<string, Known>();

  constructor(options: QueryTextOptions) {
    this.#options = options;
  }

  /** `truncated`: the text went on. */
  of(text: string, dialect: SqlDialect, truncated: boolean): SqlText {
    if (truncated || text.length > MAX_KNOWN_LENGTH) return this.#make(text, dialect, truncated);
    let known = this.#young.get(text);
    if (known?.dialect === dialect) return known;
    known = this.#old.get(text);
    if (known?.dialect !== dialect) known = this.#make(text, dialect, false);
    if (this.#young.size >= MAX_KNOWN) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, known);
    return known;
  }

  #make(text: string, dialect: SqlDialect, truncated: boolean): Known {
    const { mode, limit } = this.#options;
    const summary = summarizeSql(text, dialect, truncated) || undefined;
    const shown =
      mode === 'full' ? cut(text, limit) : mode === 'off' ? '' : sanitizeSql(text, limit, dialect);
    return { text: shown || undefined, summary, dialect };
  }
}
