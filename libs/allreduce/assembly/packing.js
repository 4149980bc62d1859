"use strict";
// Integers in as few bits as their block needs: sixteen rows of four lanes (64 elements), each lane a stream of its own,
// so that a row is packed and unpacked by vector shifts (Lemire and Boytsov, "Decoding billions of integers per second
// through vectorization", 2015). Widths are even; the integers are in two's complement.
var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.widths = widths;
exports.pack = pack;
exports.unpackAdd = unpackAdd;
exports.unpackSet = unpackSet;
/** Elements of a block. */
const BLOCK = 64;
/**
 * Half the width of each block goes to target[0, blocks), a byte each.
 * @returns bytes of all packed blocks
 */
function widths(target, source, blocks) {
    const end = target + blocks;
    let words = 0;
    while (target < end) {
        let any = i32x4.splat(0);
        let significant = i32x4.splat(0);
        for (let row = 0; row < 256; row += 64) {
            const a = v128.load(source + row);
            const b = v128.load(source + row, 16);
            const c = v128.load(source + row, 32);
            const d = v128.load(source + row, 48);
            any = v128.or(any, v128.or(v128.or(a, b), v128.or(c, d)));
            // Bits that differ from the sign.
            const first = v128.or(v128.xor(a, i32x4.shr_s(a, 31)), v128.xor(b, i32x4.shr_s(b, 31)));
            const second = v128.or(v128.xor(c, i32x4.shr_s(c, 31)), v128.xor(d, i32x4.shr_s(d, 31)));
            significant = v128.or(significant, v128.or(first, second));
        }
        const bits = i32x4.extract_lane(significant, 0) |
            i32x4.extract_lane(significant, 1) |
            i32x4.extract_lane(significant, 2) |
            i32x4.extract_lane(significant, 3);
        const half = v128.any_true(any) ? (34 - clz(bits)) >> 1 : 0;
        store(target, half);
        words += half;
        target += 1;
        source += 4 * BLOCK;
    }
    return words * (BLOCK / 4);
}
/** Packs blocks at `source` one after another from `target` on, with the widths that `widths` has found. */
function pack(target, source, halves, blocks) {
    const end = halves + blocks;
    while (halves < end) {
        const half = load(halves);
        packBlock(half, target, source);
        target += half * (BLOCK / 4);
        source += 4 * BLOCK;
        halves += 1;
    }
}
/** target[k] += what was packed. */
function unpackAdd(target, source, halves, blocks) {
    unpack(target, source, halves, blocks, i32x4.splat(-1));
}
/** target[k] = what was packed. */
function unpackSet(target, source, halves, blocks) {
    unpack(target, source, halves, blocks, i32x4.splat(0));
}
/** Adds to target[k] where `kept` is all ones and not where it is all zeros. */
function unpack(target, source, halves, blocks, kept) {
    const end = halves + blocks;
    while (halves < end) {
        const half = load(halves);
        unpackBlock(half, target, source, kept);
        source += half * (BLOCK / 4);
        target += 4 * BLOCK;
        halves += 1;
    }
}
// Each width has a function of its own. One function with all of them takes a fifth longer.
function packBlock(half, target, source) {
    switch (half) {
        case 0:
            return;
        case 1:
            return pack2(target, source);
        case 2:
            return pack4(target, source);
        case 3:
            return pack6(target, source);
        case 4:
            return pack8(target, source);
        case 5:
            return pack10(target, source);
        case 6:
            return pack12(target, source);
        case 7:
            return pack14(target, source);
        case 8:
            return pack16(target, source);
        case 9:
            return pack18(target, source);
        case 10:
            return pack20(target, source);
        case 11:
            return pack22(target, source);
        case 12:
            return pack24(target, source);
        case 13:
            return pack26(target, source);
        case 14:
            return pack28(target, source);
        case 15:
            return pack30(target, source);
        case 16:
            return pack32(target, source);
        default:
            unreachable();
    }
}
function unpackBlock(half, target, source, kept) {
    switch (half) {
        case 0:
            return unpackZeros(target, kept);
        case 1:
            return unpack2(target, source, kept);
        case 2:
            return unpack4(target, source, kept);
        case 3:
            return unpack6(target, source, kept);
        case 4:
            return unpack8(target, source, kept);
        case 5:
            return unpack10(target, source, kept);
        case 6:
            return unpack12(target, source, kept);
        case 7:
            return unpack14(target, source, kept);
        case 8:
            return unpack16(target, source, kept);
        case 9:
            return unpack18(target, source, kept);
        case 10:
            return unpack20(target, source, kept);
        case 11:
            return unpack22(target, source, kept);
        case 12:
            return unpack24(target, source, kept);
        case 13:
            return unpack26(target, source, kept);
        case 14:
            return unpack28(target, source, kept);
        case 15:
            return unpack30(target, source, kept);
        case 16:
            return unpack32(target, source, kept);
        default:
            unreachable();
    }
}
function unpackZeros(target, kept) {
    for (let row = 0; row < 256; row += 16)
        v128.store(target + row, v128.and(v128.load(target + row), kept));
}
function pack2(target, source) {
    Rows.pack(2, target, source);
}
function pack4(target, source) {
    Rows.pack(4, target, source);
}
function pack6(target, source) {
    Rows.pack(6, target, source);
}
function pack8(target, source) {
    Rows.pack(8, target, source);
}
function pack10(target, source) {
    Rows.pack(10, target, source);
}
function pack12(target, source) {
    Rows.pack(12, target, source);
}
function pack14(target, source) {
    Rows.pack(14, target, source);
}
function pack16(target, source) {
    Rows.pack(16, target, source);
}
function pack18(target, source) {
    Rows.pack(18, target, source);
}
function pack20(target, source) {
    Rows.pack(20, target, source);
}
function pack22(target, source) {
    Rows.pack(22, target, source);
}
function pack24(target, source) {
    Rows.pack(24, target, source);
}
function pack26(target, source) {
    Rows.pack(26, target, source);
}
function pack28(target, source) {
    Rows.pack(28, target, source);
}
function pack30(target, source) {
    Rows.pack(30, target, source);
}
function pack32(target, source) {
    Rows.pack(32, target, source);
}
function unpack2(target, source, kept) {
    Rows.unpack(2, target, source, kept);
}
function unpack4(target, source, kept) {
    Rows.unpack(4, target, source, kept);
}
function unpack6(target, source, kept) {
    Rows.unpack(6, target, source, kept);
}
function unpack8(target, source, kept) {
    Rows.unpack(8, target, source, kept);
}
function unpack10(target, source, kept) {
    Rows.unpack(10, target, source, kept);
}
function unpack12(target, source, kept) {
    Rows.unpack(12, target, source, kept);
}
function unpack14(target, source, kept) {
    Rows.unpack(14, target, source, kept);
}
function unpack16(target, source, kept) {
    Rows.unpack(16, target, source, kept);
}
function unpack18(target, source, kept) {
    Rows.unpack(18, target, source, kept);
}
function unpack20(target, source, kept) {
    Rows.unpack(20, target, source, kept);
}
function unpack22(target, source, kept) {
    Rows.unpack(22, target, source, kept);
}
function unpack24(target, source, kept) {
    Rows.unpack(24, target, source, kept);
}
function unpack26(target, source, kept) {
    Rows.unpack(26, target, source, kept);
}
function unpack28(target, source, kept) {
    Rows.unpack(28, target, source, kept);
}
function unpack30(target, source, kept) {
    Rows.unpack(30, target, source, kept);
}
function unpack32(target, source, kept) {
    Rows.unpack(32, target, source, kept);
}
// Without loops or shifts by variables: all that depends on the width is computed when the functions above are compiled.
class Rows {
    static pack(width, target, source) {
        let word = i32x4.splat(0);
        word = Rows.packRow(width, 0, word, target, source);
        word = Rows.packRow(width, 1, word, target, source);
        word = Rows.packRow(width, 2, word, target, source);
        word = Rows.packRow(width, 3, word, target, source);
        word = Rows.packRow(width, 4, word, target, source);
        word = Rows.packRow(width, 5, word, target, source);
        word = Rows.packRow(width, 6, word, target, source);
        word = Rows.packRow(width, 7, word, target, source);
        word = Rows.packRow(width, 8, word, target, source);
        word = Rows.packRow(width, 9, word, target, source);
        word = Rows.packRow(width, 10, word, target, source);
        word = Rows.packRow(width, 11, word, target, source);
        word = Rows.packRow(width, 12, word, target, source);
        word = Rows.packRow(width, 13, word, target, source);
        word = Rows.packRow(width, 14, word, target, source);
        word = Rows.packRow(width, 15, word, target, source);
    }
    /** Puts a row behind what `word` has of those before it, stores the word once it is full, and answers what is left. */
    static packRow(width, row, word, target, source) {
        const at = row * width;
        const shift = at & 31;
        const end = shift + width;
        const all = v128.load(source + 16 * row);
        const value = v128.and(all, i32x4.splat((-1 >> (32 - width))));
        const filled = shift == 0 ? value : v128.or(word, i32x4.shl(value, shift));
        if (end >= 32)
            v128.store(target + 16 * (at >> 5), filled);
        return end > 32 ? i32x4.shr_u(value, 32 - shift) : filled;
    }
    static unpack(width, target, source, kept) {
        Rows.unpackRow(width, 0, target, source, kept);
        Rows.unpackRow(width, 1, target, source, kept);
        Rows.unpackRow(width, 2, target, source, kept);
        Rows.unpackRow(width, 3, target, source, kept);
        Rows.unpackRow(width, 4, target, source, kept);
        Rows.unpackRow(width, 5, target, source, kept);
        Rows.unpackRow(width, 6, target, source, kept);
        Rows.unpackRow(width, 7, target, source, kept);
        Rows.unpackRow(width, 8, target, source, kept);
        Rows.unpackRow(width, 9, target, source, kept);
        Rows.unpackRow(width, 10, target, source, kept);
        Rows.unpackRow(width, 11, target, source, kept);
        Rows.unpackRow(width, 12, target, source, kept);
        Rows.unpackRow(width, 13, target, source, kept);
        Rows.unpackRow(width, 14, target, source, kept);
        Rows.unpackRow(width, 15, target, source, kept);
    }
    static unpackRow(width, row, target, source, kept) {
        const at = row * width;
        const shift = at & 31;
        const end = shift + width;
        const word = source + 16 * (at >> 5);
        // Shifted to the top first and down again, so that the sign goes on to the left.
        const value = end <= 32
            ? i32x4.shr_s(i32x4.shl(v128.load(word), 32 - end), 32 - width)
            : v128.or(i32x4.shr_u(v128.load(word), shift), i32x4.shr_s(i32x4.shl(v128.load(word, 16), 64 - end), 32 - width));
        const place = target + 16 * row;
        v128.store(place, i32x4.add(v128.and(v128.load(place), kept), value));
    }
}
__decorate([
    inline
], Rows, "pack", null);
__decorate([
    inline
], Rows, "packRow", null);
__decorate([
    inline
], Rows, "unpack", null);
__decorate([
    inline
], Rows, "unpackRow", null);
