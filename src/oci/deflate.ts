/** Compresses bytes by deflate (RFC 1951) into the same bytes wherever it runs: nothing but integers and typed arrays. */

import type { PieceRequest } from "./compress-pieces.ts";

/** The most bytes that a piece can become. */
export function mostDeflated(size: number): number {
  return size + (size >> 9) + 64;
}

/**
 * Work of a thread, that is why all of it is one function. What it returns writes a piece of at most 1 MiB as blocks, none
 * of them the last of the stream, and ends on a byte by an empty block; it gives how many bytes that took. Levels are 1
 * to 9: the higher, the longer is searched for matches.
 */
export function deflater(): (request: PieceRequest) => number {
  const WINDOW = 1 << 15;
  const MOST_PIECE = 1 << 20;
  const [SHORTEST, LONGEST] = [4, 258];
  const HASH_BITS = 15;
  /** By level: how many earlier places are looked at, the length that is enough, and the one after which none longer is sought. */
  const LEVELS: readonly (readonly [depth: number, enough: number, lazy: number])[] = [
    [2, 16, 0],
    [4, 24, 0],
    [8, 32, 0],
    [8, 32, 16],
    [12, 40, 20],
    [16, 40, 24],
    [48, 100, 65],
    [128, 258, 258],
    [512, 258, 258],
  ];

  // Lengths and distances: a symbol each, and bits after it that tell which of those that share the symbol.
  const END_OF_BLOCK = 256;
  const LITERALS = 286;
  const DISTANCES = 30;
  const lengthSymbol = new Uint8Array(LONGEST + 1);
  const lengthBase = new Uint16Array(29);
  const lengthExtra = new Uint8Array(29);
  for (let symbol = 0, length = 3; symbol < 28; symbol++) {
    const extra = symbol < 8 ? 0 : (symbol >> 2) - 1;
    lengthExtra[symbol] = extra;
    lengthBase[symbol] = length;
    lengthSymbol.fill(symbol, length, length + (1 << extra));
    length += 1 << extra;
  }
  lengthSymbol[LONGEST] = 28;
  lengthBase[28] = LONGEST;
  const distanceBase = new Uint16Array(DISTANCES);
  const distanceExtra = new Uint8Array(DISTANCES);
  /** Of distances up to 256 one by one, then of each 128. */
  const distanceSymbols = new Uint8Array(512);
  for (let symbol = 0, distance = 1; symbol < DISTANCES; symbol++) {
    const extra = symbol < 4 ? 0 : (symbol >> 1) - 1;
    distanceExtra[symbol] = extra;
    distanceBase[symbol] = distance;
    for (const end = distance + (1 << extra); distance < end; distance++)
      distanceSymbols[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)] = symbol;
  }
  const distanceSymbol = (distance: number) =>
    distanceSymbols[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)] ?? 0;

  // The window and the piece, and zeros, as comparing reads beyond the end.
  const data = new Uint8Array(WINDOW + MOST_PIECE + 2 * LONGEST);
  const view = new DataView(data.buffer);
  /** The last place of each hash, and of each place the one before it: the low 16 bits. What is meant is compared anyway. */
  const head = new Uint16Array(1 << HASH_BITS);
  const previous = new Uint16Array(WINDOW);
  const hashOf = (word: number) => Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
  const insert = (place: number, hash: number) => {
    previous[place % WINDOW] = head[hash] ?? 0;
    head[hash] = place;
  };

  /** The distance of what {@link longest} found. */
  let found = 0;

  /** The length of the longest match that is longer than `best`; `best` itself where there is none. */
  function longest(place: number, hash: number, best: number, depth: number, enough: number, limit: number): number {
    let distance = (place - (head[hash] ?? 0)) & 0xffff;
    const furthest = Math.min(place, WINDOW);
    if (distance === 0 || distance > furthest) return best;
    const start = view.getInt32(place, true);
    let end = view.getInt32(place + best - 3, true);
    for (let rest = depth; ; rest--) {
      const other = place - distance;
      if (view.getInt32(other + best - 3, true) === end && view.getInt32(other, true) === start) {
        let length = 4;
        let differing = 0;
        while (length < limit) {
          differing = view.getInt32(other + length, true) ^ view.getInt32(place + length, true);
          if (differing !== 0) break;
          length += 4;
        }
        if (differing !== 0) length += (31 - Math.clz32(differing & -differing)) >> 3;
        length = Math.min(length, limit);
        if (length > best) {
          best = length;
          found = distance;
          if (length >= enough) return best;
          end = view.getInt32(place + best - 3, true);
        }
      }
      const next = (place - (previous[other % WINDOW] ?? 0)) & 0xffff;
      if (rest === 1 || next <= distance || next > furthest) return best;
      distance = next;
    }
  }

  // The block in the making: literals as they are, matches as length and distance; and how often there is each symbol.
  const tokens = new Uint32Array(MOST_PIECE);
  let tokenCount = 0;
  const literalCounts = new Uint32Array(LITERALS);
  const distanceCounts = new Uint32Array(DISTANCES);
  const increment = (counts: Uint32Array, i: number) => {
    counts[i] = (counts[i] ?? 0) + 1;
  };

  // A block ends where what follows differs from it: told by how often there are some kinds of literals and of matches.
  const KINDS = 10;
  const OBSERVED_AT_ONCE = 512;
  const SHORT_BLOCK = 5000;
  const LONG_BLOCK = 300_000;
  const before = new Uint32Array(KINDS);
  const lately = new Uint32Array(KINDS);
  let beforeCount = 0;
  let latelyCount = 0;

  function putLiteral(byte: number): void {
    tokens[tokenCount++] = byte;
    increment(literalCounts, byte);
    increment(lately, ((byte >> 5) & 6) | (byte & 1));
    latelyCount++;
  }

  function putMatch(length: number, distance: number): void {
    tokens[tokenCount++] = (length << 16) | distance;
    increment(literalCounts, 257 + (lengthSymbol[length] ?? 0));
    increment(distanceCounts, distanceSymbol(distance));
    increment(lately, length < 9 ? 8 : 9);
    latelyCount++;
  }

  /** Whether a block of so many bytes ends here. */
  function isOver(size: number): boolean {
    if (size >= LONG_BLOCK) return true;
    if (beforeCount > 0) {
      let difference = 0;
      for (let kind = 0; kind < KINDS; kind++)
        difference += Math.abs((lately[kind] ?? 0) * beforeCount - (before[kind] ?? 0) * latelyCount);
      // The longer it is, the less it takes.
      if (5 * (difference + (size >> 12) * beforeCount) >= 2 * latelyCount * beforeCount) return true;
    }
    for (let kind = 0; kind < KINDS; kind++) before[kind] = (before[kind] ?? 0) + (lately[kind] ?? 0);
    beforeCount += latelyCount;
    lately.fill(0);
    latelyCount = 0;
    return false;
  }

  // Codes: of symbols, lengths in bits, and codes with their first bit lowest.
  const keys = new Uint32Array(LITERALS);
  const nodes = new Uint32Array(LITERALS);

  /** The lengths, at most `limit`, of an optimal prefix code, by the method of Moffat and Katajainen. */
  function codeLengths(counts: Uint32Array, limit: number, lengths: Uint8Array): void {
    lengths.fill(0);
    let used = 0;
    for (const [symbol, count] of counts.entries()) if (count > 0) keys[used++] = count * 512 + symbol;
    const sorted = keys.subarray(0, used).sort();
    if (used < 2) {
      // A code must have two to be complete.
      const only = used === 0 ? 0 : (sorted[0] ?? 0) % 512;
      lengths[only] = lengths[only === 0 ? 1 : 0] = 1;
      return;
    }
    const perLength = depths(sorted, used);
    for (let length = perLength.length - 1; length > limit; length--) {
      perLength[limit] = (perLength[limit] ?? 0) + (perLength[length] ?? 0);
      perLength[length] = 0;
    }
    // Those that were too long take more than there is: others become longer.
    let taken = 0;
    for (let length = 1; length <= limit; length++) taken += (perLength[length] ?? 0) << (limit - length);
    for (; taken > 1 << limit; taken--) {
      let length = limit - 1;
      while (perLength[length] === 0) length--;
      perLength[limit] = (perLength[limit] ?? 0) - 1;
      perLength[length] = (perLength[length] ?? 0) - 1;
      perLength[length + 1] = (perLength[length + 1] ?? 0) + 2;
    }
    let next = 0;
    for (let length = limit; length > 0; length--)
      for (let count = perLength[length] ?? 0; count > 0; count--) lengths[(sorted[next++] ?? 0) % 512] = length;
  }

  /** How many leaves there are at each depth of the tree, of two or more that are sorted by count. */
  function depths(sorted: Uint32Array, used: number): Uint32Array {
    const at = (i: number) => nodes[i] ?? 0;
    for (let i = 0; i < used; i++) nodes[i] = (sorted[i] ?? 0) >>> 9;
    // Inner nodes take the places of leaves that have a parent; what has one tells its place.
    nodes[0] = at(0) + at(1);
    for (let inner = 1, root = 0, leaf = 2; inner < used - 1; inner++) {
      for (let child = 0; child < 2; child++) {
        const isInner = leaf >= used || (root < inner && at(root) < at(leaf));
        const count = isInner ? at(root) : at(leaf++);
        if (isInner) nodes[root++] = inner;
        nodes[inner] = child === 0 ? count : at(inner) + count;
      }
    }
    nodes[used - 2] = 0;
    for (let i = used - 3; i >= 0; i--) nodes[i] = at(at(i)) + 1;
    const perDepth = new Uint32Array(64);
    let root = used - 2;
    for (let depth = 0, available = 1; available > 0; depth++) {
      let inner = 0;
      for (; root >= 0 && at(root) === depth; root--) inner++;
      perDepth[depth] = available - inner;
      available = 2 * inner;
    }
    return perDepth;
  }

  function codes(lengths: Uint8Array, into: Uint16Array): void {
    const next = new Uint16Array(17);
    for (const length of lengths) if (length > 0) next[length + 1] = (next[length + 1] ?? 0) + 1;
    // The first code of each length.
    for (let length = 1; length < 17; length++)
      next[length] = length === 1 ? 0 : ((next[length - 1] ?? 0) + (next[length] ?? 0)) << 1;
    for (const [symbol, length] of lengths.entries()) {
      if (length === 0) continue;
      let code = next[length] ?? 0;
      next[length] = code + 1;
      let reversed = 0;
      for (let bit = 0; bit < length; bit++, code >>= 1) reversed = (reversed << 1) | (code & 1);
      into[symbol] = reversed;
    }
  }

  // The result, and up to 15 bits that are no whole bytes yet.
  let result: Uint8Array;
  let used = 0;
  let bits = 0;
  let bitCount = 0;

  /** @param count at most 16 */
  function put(value: number, count: number): void {
    bits |= value << bitCount;
    bitCount += count;
    if (bitCount < 16) return;
    result[used++] = bits;
    result[used++] = bits >>> 8;
    bits >>>= 16;
    bitCount -= 16;
  }

  /** A block of bytes as they are; without any it only ends on a byte. */
  function putStored(bytes: Uint8Array): void {
    put(0, 3);
    for (; bitCount > 0; bitCount -= 8, bits >>>= 8) result[used++] = bits;
    bitCount = 0;
    for (const half of [bytes.length, ~bytes.length]) {
      result[used++] = half;
      result[used++] = half >> 8;
    }
    result.set(bytes, used);
    used += bytes.length;
  }

  const literalLengths = new Uint8Array(288);
  const distanceLengths = new Uint8Array(DISTANCES);
  const literalCodes = new Uint16Array(288);
  const distanceCodes = new Uint16Array(DISTANCES);
  const fixedLiteralLengths = new Uint8Array(288).fill(8).fill(9, 144, 256).fill(7, 256, 280);
  const fixedDistanceLengths = new Uint8Array(DISTANCES).fill(5);

  // The lengths of both codes are told by a third code, whose symbols above 15 stand for repetitions.
  const [REPEAT, FEW_ZEROS, MANY_ZEROS] = [16, 17, 18];
  const META_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const metaCounts = new Uint32Array(19);
  const metaLengths = new Uint8Array(19);
  const metaCodes = new Uint16Array(19);
  const metaExtra = (symbol: number) =>
    symbol === REPEAT ? 2 : symbol === FEW_ZEROS ? 3 : symbol === MANY_ZEROS ? 7 : 0;

  /** Symbols of that code, each with how much more than the fewest it repeats. */
  function repetitions(lengths: readonly number[]): (readonly [symbol: number, more: number])[] {
    const all: [number, number][] = [];
    for (let i = 0; i < lengths.length; ) {
      const length = lengths[i] ?? 0;
      let run = 1;
      while (lengths[i + run] === length) run++;
      i += run;
      if (length > 0) {
        all.push([length, 0]);
        run--;
      }
      while (run >= 3) {
        const count = Math.min(run, length > 0 ? 6 : 138);
        if (length > 0) all.push([REPEAT, count - 3]);
        else all.push(count < 11 ? [FEW_ZEROS, count - 3] : [MANY_ZEROS, count - 11]);
        run -= count;
      }
      for (; run > 0; run--) all.push([length, 0]);
    }
    return all;
  }

  function costOf(counts: Uint32Array, lengths: Uint8Array): number {
    let cost = 0;
    for (const [symbol, count] of counts.entries()) cost += count * (lengths[symbol] ?? 0);
    return cost;
  }

  /** Writes the tokens that stand for a range of the data, in the form that takes the fewest bits. */
  function putBlock(start: number, end: number): void {
    increment(literalCounts, END_OF_BLOCK);
    codeLengths(literalCounts, 15, literalLengths);
    codeLengths(distanceCounts, 15, distanceLengths);
    const upTo = (lengths: Uint8Array, fewest: number) =>
      Math.max(fewest, lengths.findLastIndex((each) => each > 0) + 1);
    const literals = upTo(literalLengths, 257);
    const distances = upTo(distanceLengths, 1);
    const meta = repetitions([...literalLengths.subarray(0, literals), ...distanceLengths.subarray(0, distances)]);
    metaCounts.fill(0);
    for (const [symbol] of meta) increment(metaCounts, symbol);
    codeLengths(metaCounts, 7, metaLengths);
    const metas = Math.max(4, META_ORDER.findLastIndex((symbol) => (metaLengths[symbol] ?? 0) > 0) + 1);
    let extra = 0;
    for (const [symbol, count] of lengthExtra.entries()) extra += count * (literalCounts[257 + symbol] ?? 0);
    for (const [symbol, count] of distanceExtra.entries()) extra += count * (distanceCounts[symbol] ?? 0);
    const ownCost =
      14 + 3 * metas + costOf(metaCounts, metaLengths) + meta.reduce((sum, [symbol]) => sum + metaExtra(symbol), 0);
    const own = ownCost + costOf(literalCounts, literalLengths) + costOf(distanceCounts, distanceLengths) + extra;
    const fixed = costOf(literalCounts, fixedLiteralLengths) + costOf(distanceCounts, fixedDistanceLengths) + extra;
    const stored = 8 * (end - start) + 40 * Math.ceil((end - start) / 0xffff);
    if (stored <= Math.min(own, fixed)) {
      for (let at = start; at < end; at += 0xffff) putStored(data.subarray(at, Math.min(end, at + 0xffff)));
    } else {
      if (fixed <= own) {
        put(0b010, 3);
        literalLengths.set(fixedLiteralLengths);
        distanceLengths.set(fixedDistanceLengths);
      } else {
        put(0b100, 3);
        put(literals - 257, 5);
        put(distances - 1, 5);
        put(metas - 4, 4);
        for (const symbol of META_ORDER.slice(0, metas)) put(metaLengths[symbol] ?? 0, 3);
        codes(metaLengths, metaCodes);
        for (const [symbol, more] of meta) {
          put(metaCodes[symbol] ?? 0, metaLengths[symbol] ?? 0);
          put(more, metaExtra(symbol));
        }
      }
      codes(literalLengths, literalCodes);
      codes(distanceLengths, distanceCodes);
      putTokens();
      put(literalCodes[END_OF_BLOCK] ?? 0, literalLengths[END_OF_BLOCK] ?? 0);
    }
    tokenCount = beforeCount = latelyCount = 0;
    for (const counts of [literalCounts, distanceCounts, before, lately]) counts.fill(0);
  }

  function putTokens(): void {
    for (let i = 0; i < tokenCount; i++) {
      const token = tokens[i] ?? 0;
      const length = token >>> 16;
      if (length === 0) {
        put(literalCodes[token] ?? 0, literalLengths[token] ?? 0);
        continue;
      }
      const distance = token & 0xffff;
      const ofLength = lengthSymbol[length] ?? 0;
      const ofDistance = distanceSymbol(distance);
      put(literalCodes[257 + ofLength] ?? 0, literalLengths[257 + ofLength] ?? 0);
      put(length - (lengthBase[ofLength] ?? 0), lengthExtra[ofLength] ?? 0);
      put(distanceCodes[ofDistance] ?? 0, distanceLengths[ofDistance] ?? 0);
      put(distance - (distanceBase[ofDistance] ?? 0), distanceExtra[ofDistance] ?? 0);
    }
  }

  return ({ before: window, piece, level, into }) => {
    const [depth, enough, lazy] = LEVELS[level - 1] as (typeof LEVELS)[number];
    const start = window.length;
    const end = start + piece.length;
    data.set(window);
    data.set(piece, start);
    data.fill(0, end, end + 2 * LONGEST);
    // What was compressed before must change nothing.
    head.fill(0);
    previous.fill(0);
    result = into;
    used = bits = bitCount = 0;
    for (let at = 0; at < start; at++) insert(at, hashOf(view.getInt32(at, true)));
    let blockStart = start;
    for (let at = start; at < end; ) {
      let hash = hashOf(view.getInt32(at, true));
      let limit = Math.min(LONGEST, end - at);
      let length = limit < SHORTEST ? 0 : longest(at, hash, SHORTEST - 1, depth, Math.min(enough, limit), limit);
      insert(at, hash);
      if (length < SHORTEST) {
        putLiteral(data[at++] ?? 0);
      } else {
        let distance = found;
        // One that begins a byte later may be worth more.
        while (length < lazy && limit > SHORTEST) {
          limit = Math.min(LONGEST, end - at - 1);
          hash = hashOf(view.getInt32(at + 1, true));
          const least = Math.max(length - 1, SHORTEST - 1);
          const next = longest(at + 1, hash, least, (depth + 1) >> 1, Math.min(enough, limit), limit);
          const nearer = Math.clz32(found) - Math.clz32(distance);
          if (next === least || 4 * (next - length) + nearer <= 2) break;
          putLiteral(data[at++] ?? 0);
          insert(at, hash);
          length = next;
          distance = found;
        }
        putMatch(length, distance);
        const next = at + length;
        for (at++; at < next; at++) insert(at, hashOf(view.getInt32(at, true)));
      }
      if (latelyCount < OBSERVED_AT_ONCE || at - blockStart < SHORT_BLOCK || end - at < SHORT_BLOCK) continue;
      if (!isOver(at - blockStart)) continue;
      putBlock(blockStart, at);
      blockStart = at;
    }
    if (blockStart < end) putBlock(blockStart, end);
    putStored(data.subarray(0, 0));
    return used;
  };
}
