/** Tells which element of a graph depends on which, directly or not: a row of bits for each element. */

/** Words of a block of bits, a power of two. Rows share the blocks that are equal, as most are. */
const BLOCK = 128;
const BITS_SHIFT = 5 + Math.log2(BLOCK);
const WORD_MASK = BLOCK - 1;
/** Blocks of a slab: memory is asked for by the slab, since a typed array of its own costs more than a block. */
const SLAB_SHIFT = 11;
const SLAB_MASK = (1 << SLAB_SHIFT) - 1;
/** The number of the block without a bit. */
const EMPTY = 0;

export class Reachability {
  private readonly dependenciesOf: (index: number) => readonly number[];
  /** Where each row's numbers of blocks begin in `blocks`; a row ends with the block of the element itself. */
  private readonly starts: number[] = [];
  private blocks = new Int32Array(1024);
  private used = 0;
  private readonly slabs: Int32Array[] = [];
  private made = 0;

  /** @param dependenciesOf what an element depends on directly; all of these come before it */
  constructor(dependenciesOf: (index: number) => readonly number[]) {
    this.dependenciesOf = dependenciesOf;
    this.newBlock();
  }

  /** Whether the element `from` depends on the element `to`. */
  reaches(from: number, to: number): boolean {
    if (to >= from) return false;
    while (this.starts.length <= from) this.addRow(this.starts.length);
    return this.hasBit(this.starts[from] as number, to);
  }

  private hasBit(start: number, index: number): boolean {
    const block = this.blocks[start + (index >>> BITS_SHIFT)] as number;
    const word = (this.slabs[block >>> SLAB_SHIFT] as Int32Array)[
      ((block & SLAB_MASK) * BLOCK + ((index >>> 5) & WORD_MASK)) | 0
    ] as number;
    return (word & (1 << (index & 31))) !== 0;
  }

  private addRow(index: number): void {
    const length = (index >>> BITS_SHIFT) + 1;
    const start = this.used;
    this.reserve(length);
    this.starts.push(start);
    this.used += length;
    // Blocks made from here on are this row's own, and may still be written to.
    const own = this.made;
    // The last come first: what they reach themselves has nothing to add.
    for (const dependency of [...this.dependenciesOf(index)].sort((a, b) => b - a)) {
      if (this.hasBit(start, dependency)) continue;
      this.addAll(start, this.starts[dependency] as number, (dependency >>> BITS_SHIFT) + 1, own);
      this.addBit(start, dependency, own);
    }
  }

  /** Adds the bits of another row, which has so many blocks. */
  private addAll(start: number, other: number, length: number, own: number): void {
    const { blocks } = this;
    for (let i = 0; i < length; i++) {
      const from = blocks[other + i] as number;
      const into = blocks[start + i] as number;
      if (from === into || from === EMPTY) continue;
      if (into === EMPTY || this.contains(from, into)) blocks[start + i] = from;
      else if (!this.contains(into, from)) this.unite(this.writable(start + i, own), from);
    }
  }

  private addBit(start: number, index: number, own: number): void {
    const block = this.writable(start + (index >>> BITS_SHIFT), own);
    const slab = this.slabs[block >>> SLAB_SHIFT] as Int32Array;
    const word = (block & SLAB_MASK) * BLOCK + ((index >>> 5) & WORD_MASK);
    slab[word] = (slab[word] as number) | (1 << (index & 31));
  }

  private contains(whole: number, part: number): boolean {
    const a = this.slabs[whole >>> SLAB_SHIFT] as Int32Array;
    const b = this.slabs[part >>> SLAB_SHIFT] as Int32Array;
    const [atA, atB] = [(whole & SLAB_MASK) * BLOCK, (part & SLAB_MASK) * BLOCK];
    for (let i = 0; i < BLOCK; i++) if (((b[atB + i] as number) & ~(a[atA + i] as number)) !== 0) return false;
    return true;
  }

  private unite(into: number, from: number): void {
    const a = this.slabs[into >>> SLAB_SHIFT] as Int32Array;
    const b = this.slabs[from >>> SLAB_SHIFT] as Int32Array;
    const [atA, atB] = [(into & SLAB_MASK) * BLOCK, (from & SLAB_MASK) * BLOCK];
    for (let i = 0; i < BLOCK; i++) a[atA + i] = (a[atA + i] as number) | (b[atB + i] as number);
  }

  /** The block at a place of a row, copied first unless it is the row's own. */
  private writable(place: number, own: number): number {
    const block = this.blocks[place] as number;
    if (block >= own) return block;
    const copy = this.newBlock();
    this.unite(copy, block);
    this.blocks[place] = copy;
    return copy;
  }

  private newBlock(): number {
    if ((this.made & SLAB_MASK) === 0) this.slabs.push(new Int32Array(BLOCK << SLAB_SHIFT));
    return this.made++;
  }

  private reserve(length: number): void {
    if (this.used + length <= this.blocks.length) return;
    const larger = new Int32Array(Math.max(this.blocks.length * 2, this.used + length));
    larger.set(this.blocks);
    this.blocks = larger;
  }
}
