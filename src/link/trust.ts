/** Checks of which at most half are forgotten at a time: what is decided follows the process when its behaviour changes. */
const WINDOW = 512;
/** So many checks that a rule has passed make it believed where the single request does not tell. */
const PROOF = 20;
/** So many checks settle whether a rule is believed. */
export const ENOUGH = 64;
/** A rule is switched off from this many failures on, if they are more than one in MAX_FAILED of its checks. */
const MIN_FAILURES = 2;
const MAX_FAILED = 200;
/** Requests after which a rule that was switched off is tried again; twice as many each time. */
const FIRST_REST = 5000;
const MAX_REST = 320_000;

/**
 * Whether a rule explains what one process does, found out without knowing the truth of any link: whose response is sent is known from the
 * connection, so each response is a question to which the rule's answer can be checked. A link that goes astray makes the response at its
 * end one of another request by the rule.
 */
export class Trust {
  off = false;
  passed = 0;
  failed = 0;
  #rest = FIRST_REST;
  #offSince = 0;

  /** There are enough checks to judge by. */
  get proven(): boolean {
    return !this.off && this.passed >= PROOF;
  }

  /** How often the rule is right, by its checks: 0.5 before the first one (the rule of succession). */
  get rate(): number {
    return (this.passed + 1) / (this.passed + this.failed + 2);
  }

  /** More checks will hardly change the judgement. */
  get settled(): boolean {
    return this.off || this.passed + this.failed >= ENOUGH;
  }

  /** Whether the rule is not to be asked. `requests`: how many the process has served. What was wrong may be over, losses for example. */
  rests(requests: number): boolean {
    if (!this.off || requests - this.#offSince < this.#rest) return this.off;
    this.off = false;
    this.passed = this.failed = 0;
    this.#rest = Math.min(2 * this.#rest, MAX_REST);
    return false;
  }

  /**
   * A response was sent that the rule says is of this request, or of another. Returns true if the rule was switched off by it. `requests`: how
   * many the process has served.
   */
  check(passed: boolean, requests: number): boolean {
    if (passed) this.passed++;
    else this.failed++;
    if (this.off) return false;
    if (this.passed + this.failed >= WINDOW) {
      this.passed /= 2;
      this.failed /= 2;
    }
    if (this.failed < MIN_FAILURES || this.failed * MAX_FAILED <= this.passed + this.failed) return false;
    this.off = true;
    this.#offSince = requests;
    return true;
  }
}
