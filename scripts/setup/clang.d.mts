export const CLANG_FLOOR: number;
export function findClang(path?: string): { clang: string; llvmStrip: string } | undefined;
