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
    const word = this.slabOf(block)[wordsOf(block) + ((index >>> 5) & WORD_MASK)] as number;
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
    const dependencies = Int32Array.from(this.dependenciesOf(index)).sort();
    for (let i = dependencies.length - 1; i >= 0; i--) {
      const dependency = dependencies[i] as number;
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
      blocks[start + i] = into === EMPTY ? from : this.union(into, from, own);
    }
  }

  private addBit(start: number, index: number, own: number): void {
    const place = start + (index >>> BITS_SHIFT);
    let block = this.blocks[place] as number;
    if (block < own) {
      const copy = this.newBlock();
      this.slabOf(copy).set(this.slabOf(block).subarray(wordsOf(block), wordsOf(block) + BLOCK), wordsOf(copy));
      this.blocks[place] = copy;
      block = copy;
    }
    const slab = this.slabOf(block);
    const word = wordsOf(block) + ((index >>> 5) & WORD_MASK);
    slab[word] = (slab[word] as number) | (1 << (index & 31));
  }

  /** A block with the bits of two: one of these where it has them all or is the row's own, or else a new one. */
  private union(a: number, b: number, own: number): number {
    const [slabA, slabB] = [this.slabOf(a), this.slabOf(b)];
    const [atA, atB] = [wordsOf(a), wordsOf(b)];
    let missingInA = 0;
    let missingInB = 0;
    let i = 0;
    for (; i < BLOCK && (missingInA === 0 || missingInB === 0); i++) {
      const wordA = slabA[atA + i] as number;
      const wordB = slabB[atB + i] as number;
      missingInA |= wordB & ~wordA;
      missingInB |= wordA & ~wordB;
    }
    if (missingInA === 0) return a;
    if (missingInB === 0) return b;
    const into = a >= own ? a : this.newBlock();
    const slab = this.slabOf(into);
    const at = wordsOf(into);
    for (i = 0; i < BLOCK; i++) slab[at + i] = (slabA[atA + i] as number) | (slabB[atB + i] as number);
    return into;
  }

  private slabOf(block: number): Int32Array {
    return this.slabs[block >>> SLAB_SHIFT] as Int32Array;
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

/** Where a block begins in its slab. */
function wordsOf(block: number): number {
  return (block & SLAB_MASK) * BLOCK;
}
