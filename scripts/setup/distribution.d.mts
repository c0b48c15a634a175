export type Manager = 'apt' | 'dnf' | 'apk' | 'pacman' | 'zypper';

/** One of `isThere`, `command` (in PATH), `header` (in an include directory) and `files` (any of these paths) says how it is found. */
export interface Requirement {
  readonly name: string;
  readonly why: string;
  readonly isThere?: () => boolean | undefined;
  readonly command?: string;
  readonly header?: string;
  readonly files?: readonly string[];
  readonly packages: Readonly<Record<Manager, string>>;
}

export const REQUIREMENTS: readonly Requirement[];
export function parseOsRelease(text: string): Record<string, string>;
export function readOsRelease(): Record<string, string>;
export function packageManager(osRelease: Record<string, string>): Manager | undefined;
export function installCommand(
  osRelease: Record<string, string>,
  missing: readonly Requirement[],
  options: { root: boolean },
): string | undefined;
export function packageNames(manager: Manager, missing: readonly Requirement[]): string[];
export function missingRequirements(requirements?: readonly Requirement[]): Requirement[];
