import { ANSI, SqlScanner, Token, type SqlDialect } from './sql-scanner.ts';
import { BODIED, INSIDE, LISTED, OBJECTS, OPTION, Word, WORDS } from './sql-words.ts';

const MAX_SUMMARY = 255;
/** Names of common table expressions that are told from tables. */
const MAX_CTES = 16;
const MAX_DEPTH = 64;

/** What the next token is looked at for. */
const Expect = {
  nothing: 0,
  statement: 1,
  target: 2,
  part: 3,
  object: 4,
  said: 5,
  cte: 6,
  end: 7,
  options: 8,
} as const;
/** What a comma at this depth continues. */
const List = { none: 0, targets: 1, ctes: 2 } as const;

/**
 * `db.query.summary` of a text by the semantic conventions: operations and what they work on, in their order and as they are written. '' where
 * no operation is known. Names of common table expressions are no targets. `truncated`: the last word may be cut off.
 */
export function summarizeSql(text: string, dialect: SqlDialect = ANSI, truncated = false): string {
  return summarizer.summarize(text, dialect, truncated);
}

class Summarizer {
  readonly #tokens = new SqlScanner();
  readonly #lists = new Uint8Array(MAX_DEPTH);
  /** A FROM at this depth names tables. */
  readonly #awaitsFrom = new Uint8Array(MAX_DEPTH);
  readonly #ctes: string[] = [];
  #summary = '';
  #depth = 0;
  #expect: number = Expect.statement;
  /** The statement's first operation. */
  #operation: Word = Word.other;
  /** No statement can begin inside of what is being read, but a query may. */
  #queriesOnly = false;
  /** The rest of the text is the definition of something. */
  #bodied = false;
  #target = '';
  #previous = '';
  #full = false;
  #truncated = false;
  #ansi = false;

  summarize(text: string, dialect: SqlDialect, truncated: boolean): string {
    const tokens = this.#tokens.over(text, dialect);
    this.#summary = this.#target = this.#previous = '';
    this.#full = this.#bodied = false;
    this.#truncated = truncated;
    this.#ansi = dialect === ANSI;
    this.#begin();
    while (tokens.next() !== Token.end && !this.#full) this.#token();
    this.#endTarget();
    return this.#summary;
  }

  #begin(): void {
    this.#depth = 0;
    this.#lists[0] = List.none;
    this.#awaitsFrom[0] = 0;
    this.#ctes.length = 0;
    this.#expect = Expect.statement;
    this.#operation = Word.other;
    this.#queriesOnly = false;
  }

  #add(part: string): void {
    if (this.#full) return;
    const more = this.#summary === '' ? part : `${this.#summary} ${part}`;
    if (more.length > MAX_SUMMARY) this.#full = true;
    else this.#summary = more;
  }

  #token(): void {
    const { kind, text, start, end } = this.#tokens;
    if (kind === Token.symbol) {
      this.#symbol(text.charCodeAt(start));
      return;
    }
    if (this.#expect === Expect.part) {
      this.#part(kind);
      return;
    }
    this.#endTarget();
    if (kind === Token.word) this.#word(text.slice(start, end));
    else if (kind === Token.name) this.#name();
    else if (kind === Token.string && this.#ansi && this.#lists[this.#depth] === List.targets) this.#name();
    else if (this.#expect !== Expect.nothing) this.#expect = Expect.nothing;
    if (kind !== Token.word) this.#previous = '';
  }

  /** A name in quotes, or a word that is no keyword here. */
  #name(): void {
    const { text, start, end, open } = this.#tokens;
    if (this.#expect === Expect.cte) {
      if (this.#ctes.length < MAX_CTES) this.#ctes.push(plain(text.slice(start, end)));
      this.#expect = Expect.nothing;
    } else if (this.#expect === Expect.target) {
      this.#target = this.#truncated && open ? '' : text.slice(start, end);
      this.#expect = Expect.nothing;
    } else if (this.#expect !== Expect.statement) {
      this.#expect = Expect.nothing;
    }
  }

  /** Behind a point: more of the name before. */
  #part(kind: Token): void {
    const { text, start, end, open } = this.#tokens;
    this.#expect = Expect.nothing;
    if ((kind !== Token.word && kind !== Token.name) || (this.#truncated && open)) this.#target = '';
    else if (this.#target !== '') this.#target += `.${text.slice(start, end)}`;
  }

  #endTarget(): void {
    const target = this.#target;
    if (target === '') return;
    this.#target = '';
    if (this.#ctes.length > 0 && this.#ctes.includes(plain(target))) return;
    this.#add(target);
  }

  #symbol(code: number): void {
    if (code === 46 /* . */ && this.#target !== '') {
      this.#expect = Expect.part;
      return;
    }
    this.#endTarget();
    if (this.#expect === Expect.end && code !== 59) return;
    const before = this.#previous;
    this.#previous = '';
    switch (code) {
      case 40 /* ( */:
        this.#open(before);
        return;
      case 41 /* ) */:
        this.#previous = ')';
        if (this.#depth > 0) this.#depth--;
        this.#expect = this.#expect === Expect.options ? Expect.statement : Expect.nothing;
        return;
      case 44 /* , */: {
        const list = this.#lists[this.#depth];
        this.#expect =
          list === List.targets ? Expect.target : list === List.ctes ? Expect.cte : Expect.nothing;
        return;
      }
      case 59 /* ; */:
        if (this.#bodied) this.#full = true;
        this.#begin();
        return;
      default:
        if (this.#expect !== Expect.statement) this.#expect = Expect.nothing;
    }
  }

  #open(before: string): void {
    this.#previous = '(';
    if (this.#depth < MAX_DEPTH - 1) this.#depth++;
    this.#lists[this.#depth] = this.#expect === Expect.target ? List.targets : List.none;
    this.#awaitsFrom[this.#depth] = 0;
    if (before === 'EXPLAIN') this.#expect = Expect.options;
    else if (this.#expect !== Expect.target && this.#expect !== Expect.statement)
      this.#expect = Expect.nothing;
  }

  #word(word: string): void {
    const upper = word.length <= 24 ? word.toUpperCase() : '';
    const before = this.#previous;
    this.#previous = upper;
    if (before === 'EXPLAIN' && OPTION.test(upper)) this.#previous = before;
    else if (!this.#isDue(word, upper, before)) this.#keyword(word, upper, before);
  }

  /** Takes a word for what is looked for, whatever it means elsewhere. */
  #isDue(word: string, upper: string, before: string): boolean {
    switch (this.#expect) {
      case Expect.end:
      case Expect.options:
        return true;
      case Expect.cte:
        if (upper !== 'RECURSIVE') this.#name();
        return true;
      case Expect.said:
        this.#expect = Expect.target;
        this.#name();
        return true;
      case Expect.object:
        this.#object(word, upper, before);
        return true;
      default:
        return false;
    }
  }

  #keyword(word: string, upper: string, before: string): void {
    const begins = this.#begins(before);
    const inside = this.#expect === Expect.statement ? undefined : INSIDE.get(upper);
    const known = inside ?? WORDS.get(upper) ?? Word.other;
    if (known > Word.prefix || known === Word.other) this.#inside(known, begins, before);
    else if (this.#isOperation(known, begins)) this.#operate(known, word, upper);
    else if (this.#expect === Expect.target) this.#name();
    else if (this.#expect !== Expect.statement) this.#expect = Expect.nothing;
  }

  /** Whether a statement may begin behind the word or symbol `before`. */
  #begins(before: string): boolean {
    if (this.#expect === Expect.statement) return true;
    if (this.#queriesOnly) return false;
    return (
      before === '(' || before === ')' || before === 'AS' || before === 'ANALYZE' || before === 'VERBOSE'
    );
  }

  #isOperation(known: Word, begins: boolean): boolean {
    if (this.#truncated && this.#tokens.open) return false;
    if (known === Word.select) return this.#operation !== Word.alone;
    if (!begins || (known === Word.insert && this.#tokens.precedes(40))) return false;
    return known <= Word.delete || this.#expect === Expect.statement;
  }

  #operate(known: Word, word: string, upper: string): void {
    if (this.#expect === Expect.statement) this.#operation = known;
    this.#add(word);
    this.#lists[this.#depth] = LISTED.test(upper) ? List.targets : List.none;
    this.#awaitsFrom[this.#depth] = 0;
    this.#follow(known);
  }

  #follow(known: Word): void {
    const depth = this.#depth;
    this.#expect = Expect.nothing;
    switch (known) {
      case Word.select:
      case Word.delete:
        this.#awaitsFrom[depth] = 1;
        return;
      case Word.update:
        this.#awaitsFrom[depth] = 1;
        this.#lists[depth] = List.targets;
        this.#expect = Expect.target;
        return;
      case Word.insert:
      case Word.named:
        this.#expect = Expect.target;
        return;
      case Word.define:
        this.#expect = Expect.object;
        return;
      case Word.said:
        this.#expect = Expect.said;
        return;
      case Word.prefix:
        this.#operation = Word.other;
        this.#expect = Expect.statement;
        return;
      default:
        this.#expect = Expect.end;
    }
  }

  #inside(known: Word, begins: boolean, before: string): void {
    const depth = this.#depth;
    switch (known) {
      case Word.with:
        if (!begins) break;
        this.#lists[depth] = List.ctes;
        this.#expect = Expect.cte;
        return;
      case Word.from:
        if (this.#awaitsFrom[depth] === 0 || before === 'DISTINCT') break;
        this.#awaitsFrom[depth] = 0;
        this.#lists[depth] = List.targets;
        this.#expect = Expect.target;
        return;
      case Word.join:
        this.#expect = Expect.target;
        return;
      case Word.using:
        if (this.#tokens.precedes(40) || !this.#usesTables()) break;
        this.#lists[depth] = List.targets;
        this.#expect = Expect.target;
        return;
      case Word.listEnd:
        this.#lists[depth] = List.none;
        break;
      case Word.noise:
        if (this.#expect === Expect.target || this.#expect === Expect.statement) return;
        break;
      default:
        if (this.#expect === Expect.target) return this.#name();
    }
    if (this.#expect !== Expect.statement) this.#expect = Expect.nothing;
  }

  /** `DELETE FROM t USING other`, `MERGE INTO t USING other`. */
  #usesTables(): boolean {
    return this.#operation === Word.delete || this.#operation === Word.insert;
  }

  /** Of CREATE and its like: looks for the kind of the object. */
  #object(word: string, upper: string, before: string): void {
    const holdsQuery = OBJECTS.get(upper);
    if (this.#truncated && this.#tokens.open) return;
    if (holdsQuery === undefined) {
      if (before !== 'TRUNCATE') return;
      this.#expect = Expect.target;
      return this.#name();
    }
    this.#add(word);
    this.#expect = Expect.target;
    this.#queriesOnly = true;
    this.#bodied = BODIED.test(upper);
    if (!holdsQuery) this.#operation = Word.alone;
  }
}

/** Names are compared without quotes and case. */
function plain(name: string): string {
  return name.replace(/["`]/g, '').toLowerCase();
}

const summarizer = new Summarizer();
