"use strict";
// The elementwise part of a step's update, compiled by AssemblyScript to WebAssembly SIMD over an imported shared
// memory. Only correctly rounded operations (add, subtract, multiply, divide, square root, int to float), in a fixed
// order, so every machine computes the same bytes. Offsets are bytes, lengths are elements.
Object.defineProperty(exports, "__esModule", { value: true });
exports.squares = squares;
exports.adamw = adamw;
// The int32 gradients are only read: a neighbour in the ring may still be receiving them from where they lie.
/**
 * The sum of the squares of float32(source[k]) · resolution · scale, each product rounded to float32, in float64: four
 * sums, of the elements with k mod 4 = 0, 1, 2, 3, added as (0 + 1) + (2 + 3), then the elements of an incomplete last
 * vector one by one.
 */
function squares(source, length, resolution, scale) {
    const vectorsEnd = source + ((length & ~3) << 2);
    const end = source + (length << 2);
    const resolutions = f32x4.splat(resolution);
    const scales = f32x4.splat(scale);
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    while (source < vectorsEnd) {
        const integers = v128.load(source);
        const floats = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(integers), resolutions), scales);
        const first = f64x2.promote_low_f32x4(floats);
        const second = f64x2.promote_low_f32x4(i64x2.shuffle(floats, floats, 1, 0));
        low = f64x2.add(low, f64x2.mul(first, first));
        high = f64x2.add(high, f64x2.mul(second, second));
        source += 16;
    }
    let sum = f64x2.extract_lane(low, 0) +
        f64x2.extract_lane(low, 1) +
        (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1));
    while (source < end) {
        const float = load(source) * resolution * scale;
        sum += float * float;
        source += 4;
    }
    return sum;
}
/**
 * AdamW with decoupled weight decay (Loshchilov and Hutter, 2019, algorithm 2), in place:
 *   g = float32(gradient) · resolution · scale · clip    gradient int32, resolution = 2^-exponent, scale = 1 / count
 *   m = beta1 · m + gain1 · g                            gain1 = 1 - beta1
 *   v = beta2 · v + gain2 · (g · g)                      gain2 = 1 - beta2
 *   p = p · shrink - rate · (m / (√v · root + epsilon))  shrink = 1 - learning rate · decay,
 *                                                        rate = learning rate / (1 - beta1^t), root = 1 / √(1 - beta2^t)
 */
function adamw(parameters, firstMoments, secondMoments, gradients, length, resolution, scale, clip, beta1, gain1, beta2, gain2, shrink, rate, root, epsilon) {
    const vectorsEnd = (length & ~3) << 2;
    const end = length << 2;
    let at = 0;
    for (; at < vectorsEnd; at += 16) {
        const integers = v128.load(gradients + at);
        const mean = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(integers), f32x4.splat(resolution)), f32x4.splat(scale));
        const g = f32x4.mul(mean, f32x4.splat(clip));
        const m = f32x4.add(f32x4.mul(f32x4.splat(beta1), v128.load(firstMoments + at)), f32x4.mul(f32x4.splat(gain1), g));
        const v = f32x4.add(f32x4.mul(f32x4.splat(beta2), v128.load(secondMoments + at)), f32x4.mul(f32x4.splat(gain2), f32x4.mul(g, g)));
        const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(v), f32x4.splat(root)), f32x4.splat(epsilon));
        const p = f32x4.sub(f32x4.mul(v128.load(parameters + at), f32x4.splat(shrink)), f32x4.mul(f32x4.splat(rate), f32x4.div(m, divisor)));
        v128.store(firstMoments + at, m);
        v128.store(secondMoments + at, v);
        v128.store(parameters + at, p);
    }
    for (; at < end; at += 4) {
        const g = load(gradients + at) * resolution * scale * clip;
        const m = beta1 * load(firstMoments + at) + gain1 * g;
        const v = beta2 * load(secondMoments + at) + gain2 * (g * g);
        const divisor = sqrt(v) * root + epsilon;
        store(firstMoments + at, m);
        store(secondMoments + at, v);
        store(parameters + at, load(parameters + at) * shrink - rate * (m / divisor));
    }
}
