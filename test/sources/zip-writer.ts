/** Writes zip archives for tests, also such as no program would. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipMember {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  readonly method?: number;
  /** Packed content, if not packed by `method` from `content`. */
  readonly packed?: Buffer;
  readonly flags?: number;
  /** What the archive says, if not the truth. */
  readonly size?: number;
  readonly crc?: number;
  /** Unix mode. */
  readonly mode?: number;
  /** Takes the content of the member before it. */
  readonly shared?: boolean;
}

const UTF8 = 0x800;

export function zipArchive(members: readonly ZipMember[], { comment = "", prefix = "" } = {}): Buffer {
  const parts: Buffer[] = [Buffer.from(prefix)];
  const central: Buffer[] = [];
  let offset = 0;
  let last = 0;
  for (const member of members) {
    const { name, content = "", method = 8, flags = UTF8, mode = 0o644 } = member;
    const bytes = Buffer.from(content as string);
    const packed = member.packed ?? (method === 8 ? deflateRawSync(bytes) : bytes);
    const rawName = Buffer.from(name as string);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(member.crc ?? crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(member.size ?? bytes.length, 18);
    common.writeUInt16LE(rawName.length, 22);
    const start = member.shared ? last : offset;
    if (!member.shared) {
      parts.push(Buffer.from("PK\x03\x04", "latin1"), common, rawName, packed);
      last = offset;
      offset += 30 + rawName.length + packed.length;
    }
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(start, 10);
    // Made by Unix.
    central.push(Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, rest, rawName);
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.length, 4);
  end.writeUInt16LE(members.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  end.writeUInt16LE(comment.length, 16);
  return Buffer.concat([...parts, directory, Buffer.from("PK\x05\x06", "latin1"), end, Buffer.from(comment)]);
}
