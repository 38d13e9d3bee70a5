/** Numbers of things in messages: `1 file`, `2 files`. */

/** @param plural where it is not the word with an `s` */
export function counted(count: number, word: string, plural = `${word}s`): string {
  return `${count} ${count === 1 ? word : plural}`;
}
