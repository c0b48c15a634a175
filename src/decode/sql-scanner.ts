/** What dialects of SQL do not agree on. */
export interface SqlDialect {
  /**
   * `\` escapes the next character of any string. PostgreSQL: only of `E'...'`, which is known by its prefix everywhere. `unsure`: a string that
   * may end behind one is taken for the rest of the text.
   */
  readonly backslashes: boolean | 'unsure';
  /** `"..."` is a string, else a name. */
  readonly quotesAreStrings: boolean;
  /** `$tag$...$tag$` is a string. */
  readonly dollarQuotes: boolean;
  /** `#` begins a comment, `--` only before a blank, and what is in comments that begin with `!` is executed. */
  readonly mysqlComments: boolean;
  /** Comments may contain comments. */
  readonly nestedComments: boolean;
}

/** The standard's; of Cassandra's CQL, too. */
export const ANSI: SqlDialect = {
  backslashes: false,
  quotesAreStrings: false,
  dollarQuotes: true,
  mysqlComments: false,
  nestedComments: false,
};
export const POSTGRESQL: SqlDialect = { ...ANSI, nestedComments: true };
/** With standard_conforming_strings off, and where it is not known whether it is. */
export const POSTGRESQL_ESCAPES: SqlDialect = { ...POSTGRESQL, backslashes: true };
export const POSTGRESQL_UNSURE: SqlDialect = { ...POSTGRESQL, backslashes: 'unsure' };
export const MYSQL: SqlDialect = {
  backslashes: true,
  quotesAreStrings: true,
  dollarQuotes: false,
  mysqlComments: true,
  nestedComments: false,
};
/** With sql_mode NO_BACKSLASH_ESCAPES, and where it is not known whether it is set. */
export const MYSQL_PLAIN: SqlDialect = { ...MYSQL, backslashes: false };
export const MYSQL_UNSURE: SqlDialect = { ...MYSQL, backslashes: 'unsure' };

export const Token = {
  end: 0,
  /** A keyword or a name. */
  word: 1,
  /** A name in quotes. */
  name: 2,
  /** A string. */
  string: 3,
  /** A number, a bit string, a UUID. */
  value: 4,
  /** `?`, `$1`, `:name`, `@variable`. */
  placeholder: 5,
  symbol: 6,
} as const;
export type Token = (typeof Token)[keyof typeof Token];

const SYMBOL = 0;
const SPACE = 1;
const DIGIT = 2;
const LETTER = 3;
const CLASSES = Uint8Array.from({ length: 128 }, (_, i) => {
  const c = String.fromCharCode(i);
  if (/[0-9]/.test(c)) return DIGIT;
  if (/[A-Za-z_]/.test(c)) return LETTER;
  return /\s/.test(c) || i === 0 ? SPACE : SYMBOL;
});

const QUOTE = 39;
const DOUBLE_QUOTE = 34;
const BACKTICK = 96;
const BACKSLASH = 92;
const DOLLAR = 36;
const HASH = 35;
const STAR = 42;
const SLASH = 47;
const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const COLON = 58;
const QUESTION = 63;
const AT = 64;
const AMPERSAND = 38;
const BANG = 33;
/** 8-4-4-4-12 hex digits. */
const UUID_LENGTH = 36;

/** Beyond ASCII all are letters; NaN, beyond the end of the text, is a symbol. */
function classOf(code: number): number {
  if (code < 128) return CLASSES[code]!;
  return code >= 128 ? LETTER : SYMBOL;
}

/**
 * The tokens of a text, in one pass: a string, comment or name that is not closed reaches to the end of the text. What is between tokens,
 * blanks and comments, is skipped.
 */
export class SqlScanner {
  text = '';
  kind: Token = Token.end;
  /** The token is `text[start..end)`. */
  start = 0;
  end = 0;
  /** The token was cut off by the end of the text. */
  open = false;
  #dialect = ANSI;
  /** The token before ends a value: a sign behind it is an operator. */
  #afterValue = false;

  over(text: string, dialect: SqlDialect): this {
    this.text = text;
    this.#dialect = dialect;
    this.back(0);
    return this;
  }

  /** Goes on at a place behind an opening parenthesis, or at the start. */
  back(at: number): void {
    this.start = this.end = at;
    this.#afterValue = this.open = false;
  }

  /** Whether the next token is this character. */
  precedes(code: number): boolean {
    let at = this.end;
    while (at < this.text.length && classOf(this.text.charCodeAt(at)) === SPACE) at++;
    return this.text.charCodeAt(at) === code;
  }

  next(): Token {
    const { text } = this;
    const start = this.#skipBlanks(this.end);
    this.start = start;
    this.open = false;
    if (start >= text.length) {
      this.end = text.length;
      return (this.kind = Token.end);
    }
    const code = text.charCodeAt(start);
    const kind = classOf(code);
    if (kind === LETTER) this.kind = this.#word(start);
    else if (kind === DIGIT) this.kind = this.#number(start);
    else this.kind = this.#symbol(start, code);
    this.#afterValue = this.kind !== Token.symbol || code === 41 /* ) */ || code === 93; /* ] */
    return this.kind;
  }

  #skipBlanks(from: number): number {
    const { text } = this;
    let at = from;
    for (;;) {
      const code = at < text.length ? text.charCodeAt(at) : 0;
      if (at >= text.length) return at;
      if (classOf(code) === SPACE) {
        at++;
        continue;
      }
      const after = this.#comment(at, code);
      if (after === at) return at;
      at = after;
    }
  }

  /** Where the comment at `at` ends; `at` if there is none. */
  #comment(at: number, code: number): number {
    const { text } = this;
    const { mysqlComments } = this.#dialect;
    const next = text.charCodeAt(at + 1);
    if (code === HASH) return mysqlComments ? this.#lineEnd(at) : at;
    if (code === MINUS && next === MINUS) {
      const third = text.charCodeAt(at + 2);
      // NaN: the end of the text.
      return !mysqlComments || third <= 32 || third !== third ? this.#lineEnd(at) : at;
    }
    if (code === STAR && next === SLASH && mysqlComments) return at + 2;
    if (code !== SLASH || next !== STAR) return at;
    return mysqlComments ? this.#executed(at) : this.#block(at + 2);
  }

  #lineEnd(from: number): number {
    const end = this.text.indexOf('\n', from);
    return end < 0 ? this.text.length : end + 1;
  }

  /** A comment whose content MySQL executes is entered: only its opening is skipped, with the version it is for. */
  #executed(from: number): number {
    const { text } = this;
    let at = from + 2;
    if (text.charCodeAt(at) === 77 /* M */) at++;
    if (text.charCodeAt(at) !== BANG) return this.#block(from + 2);
    at++;
    while (classOf(text.charCodeAt(at)) === DIGIT) at++;
    return at;
  }

  #block(from: number): number {
    const { text } = this;
    const { nestedComments } = this.#dialect;
    let close = text.indexOf('*/', from);
    let at = from;
    for (let depth = 1; close >= 0;) {
      const inner = nestedComments ? text.indexOf('/*', at) : -1;
      if (inner >= 0 && inner < close) {
        depth++;
        at = inner + 2;
        if (close < at) close = text.indexOf('*/', at);
        continue;
      }
      at = close + 2;
      if (--depth === 0) return at;
      close = text.indexOf('*/', at);
    }
    return text.length;
  }

  #wordEnd(from: number): number {
    const { text } = this;
    let at = from;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (classOf(code) < DIGIT && code !== DOLLAR) break;
      at++;
    }
    return at;
  }

  #word(start: number): Token {
    const { text } = this;
    const end = this.#wordEnd(start);
    const next = text.charCodeAt(end);
    if (next === QUOTE && this.#isPrefix(start, end)) {
      const escapes = end === start + 1 && (text.charCodeAt(start) | 32) === 101; /* e */
      return this.#quoted(end, QUOTE, escapes || this.#dialect.backslashes, Token.string);
    }
    if (next === AMPERSAND && end === start + 1 && (text.charCodeAt(start) | 32) === 117 /* u */) {
      if (text.charCodeAt(end + 1) === QUOTE) return this.#quoted(end + 1, QUOTE, false, Token.string);
    }
    if (next === MINUS && end === start + 8 && this.#isUuid(start)) return Token.value;
    this.end = end;
    this.open = end === text.length;
    return Token.word;
  }

  /** `e`, `b`, `x`, `n` or a character set of MySQL: what stands before a string is part of it. */
  #isPrefix(start: number, end: number): boolean {
    const first = this.text.charCodeAt(start) | 32;
    if (end - start === 1) return first === 101 || first === 98 || first === 120 || first === 110;
    return this.text.charCodeAt(start) === 95; /* _ */
  }

  /** `1`, `1.5e-3`, `0x1f`, `1_000`, `1h30m`. */
  #number(start: number): Token {
    const { text } = this;
    if (text.charCodeAt(start + 8) === MINUS && this.#isUuid(start)) return Token.value;
    const decimal = (text.charCodeAt(start + 1) | 32) !== 120; /* x */
    let at = start + 1;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      const exponent = decimal && (text.charCodeAt(at - 1) | 32) === 101; /* e */
      if ((code === MINUS || code === PLUS) && exponent && classOf(text.charCodeAt(at + 1)) === DIGIT) at++;
      else if (code === DOT || classOf(code) >= DIGIT) at++;
      else break;
    }
    this.end = at;
    return Token.value;
  }

  /** A UUID, or what there is of one at the end of the text. */
  #isUuid(start: number): boolean {
    const { text } = this;
    const end = Math.min(text.length, start + UUID_LENGTH);
    for (let at = start; at < end; at++) {
      const code = text.charCodeAt(at);
      const i = at - start;
      const hex = classOf(code) === DIGIT || ((code | 32) >= 97 && (code | 32) <= 102);
      if (i === 8 || i === 13 || i === 18 || i === 23 ? code !== MINUS : !hex) return false;
    }
    this.end = end;
    return true;
  }

  #symbol(start: number, code: number): Token {
    switch (code) {
      case QUOTE:
        return this.#quoted(start, QUOTE, this.#dialect.backslashes, Token.string);
      case DOUBLE_QUOTE: {
        const { quotesAreStrings, backslashes } = this.#dialect;
        return quotesAreStrings
          ? this.#quoted(start, DOUBLE_QUOTE, backslashes, Token.string)
          : this.#quoted(start, DOUBLE_QUOTE, false, Token.name);
      }
      case BACKTICK:
        return this.#quoted(start, BACKTICK, false, Token.name);
      case DOLLAR:
        return this.#dollar(start);
      case COLON:
      case AT:
      case QUESTION:
        return this.#placeholder(start, code);
      case MINUS:
      case PLUS:
      case DOT:
        if (!this.#afterValue && this.#digits(start)) return Token.value;
        break;
    }
    this.end = start + 1;
    return Token.symbol;
  }

  /** A number behind a sign, or one that begins with its point. */
  #digits(start: number): boolean {
    const { text } = this;
    let at = start + 1;
    if (text.charCodeAt(start) !== DOT && text.charCodeAt(at) === DOT) at++;
    if (classOf(text.charCodeAt(at)) !== DIGIT) return false;
    this.#number(at);
    return true;
  }

  #placeholder(start: number, code: number): Token {
    const { text } = this;
    let at = start + 1;
    if (code === QUESTION) {
      this.end = at;
      return Token.placeholder;
    }
    if (text.charCodeAt(at) === code) at++;
    this.end = at;
    if (code === COLON && at > start + 1) return Token.symbol;
    const end = classOf(text.charCodeAt(at)) === LETTER ? this.#wordEnd(at) : at;
    if (end === at) return Token.symbol;
    this.end = end;
    return Token.placeholder;
  }

  #dollar(start: number): Token {
    const { text } = this;
    let at = start + 1;
    while (classOf(text.charCodeAt(at)) === DIGIT) at++;
    if (at > start + 1) {
      this.end = at;
      return Token.placeholder;
    }
    while (classOf(text.charCodeAt(at)) >= DIGIT) at++;
    const isTag = this.#dialect.dollarQuotes && (text.charCodeAt(at) === DOLLAR || at >= text.length);
    if (!isTag) {
      this.end = start + 1;
      return Token.symbol;
    }
    const close = at < text.length ? text.indexOf(text.slice(start, at + 1), at + 1) : -1;
    this.open = close < 0;
    this.end = close < 0 ? text.length : close + at + 1 - start;
    return Token.string;
  }

  /** A quote that is doubled does not close. What is not closed is none of the kinds that are shown. */
  #quoted(from: number, quote: number, backslashes: boolean | 'unsure', kind: Token): Token {
    const { text } = this;
    for (let at = from + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH && backslashes !== false) {
        if (backslashes === 'unsure' && text.charCodeAt(at + 1) === quote) break;
        at++;
      } else if (code === quote) {
        if (text.charCodeAt(at + 1) !== quote) {
          this.end = at + 1;
          return kind;
        }
        at++;
      }
    }
    this.end = text.length;
    this.open = true;
    return Token.string;
  }
}
