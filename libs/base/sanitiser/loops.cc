// Every native loop at every level that this processor has, on random elements in arrays of exactly their size, with all
// between them poisoned: built with -fsanitize=address,undefined it ends at the first access beside one. All levels must
// make the same bytes.
//
//     g++ -std=c++17 -O1 -g -ffp-contract=off -fsanitize=address,undefined -fno-sanitize-recover=all -I ../native
//       -I ../../allreduce/native -I ../../model/native loops.cc -o loops && ./loops ROUNDS SEED
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>

#include <functional>
#include <random>
#include <vector>

#include "../../allreduce/native/loops.cc"
#include "../../model/native/loops.cc"

namespace {

/** One memory with arrays in it; whatever lies between them may not be touched. */
class Memory {
 public:
  Memory() : bytes_(SIZE) { ASAN_POISON_MEMORY_REGION(bytes_.data(), SIZE); }
  ~Memory() { ASAN_UNPOISON_MEMORY_REGION(bytes_.data(), SIZE); }

  /** An array of `bytes` bytes, at a multiple of four and of nothing more. */
  uint64_t array(uint64_t bytes, std::mt19937& random) {
    const uint64_t at = end_ + 64 + 4 * (random() % 16);
    end_ = at + (bytes + 7) / 8 * 8;
    if (end_ + 64 > SIZE) abort();
    ASAN_UNPOISON_MEMORY_REGION(bytes_.data() + at, bytes);
    for (uint64_t k = 0; k < bytes; k++) bytes_[at + k] = (char)random();
    arrays_.push_back({at, bytes});
    return at;
  }

  char* data() { return bytes_.data(); }

  /** What all arrays hold. */
  std::vector<char> content() const {
    std::vector<char> all;
    for (const auto& [at, bytes] : arrays_) all.insert(all.end(), bytes_.begin() + at, bytes_.begin() + at + bytes);
    return all;
  }

 private:
  static constexpr uint64_t SIZE = 1 << 18;
  std::vector<char> bytes_;
  std::vector<std::pair<uint64_t, uint64_t>> arrays_;
  uint64_t end_ = 0;
};

/** A loop with its arguments, at one level; what it answers, as bits. */
using Use = std::function<uint64_t(int level, Memory& memory, std::mt19937& random)>;

template <typename T>
uint64_t bitsOf(T value) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  // The sign and the payload of a NaN are nobody's business.
  return value == value ? bits : 1;
}

#ifdef __x86_64__
#define AT_LEVEL(name, ...) \
  (level == 0 ? baseline_##name(__VA_ARGS__) : level == 1 ? v3_##name(__VA_ARGS__) : v4_##name(__VA_ARGS__))
#else
#define AT_LEVEL(name, ...) baseline_##name(__VA_ARGS__)
#endif

uint32_t lengthOf(std::mt19937& random) { return random() % (random() % 4 == 0 ? 3000 : 70); }

/** A factor between 0 and 1. */
float factor(std::mt19937& random) { return (float)(random() % 1000) / 1000; }

/** Finite floats in the arrays at these places: what an update is given. */
void makeFinite(Memory& memory, uint64_t at, uint32_t length, bool positive) {
  for (uint32_t k = 0; k < length; k++) {
    float* value = reinterpret_cast<float*>(memory.data() + at) + k;
    int32_t bits;
    memcpy(&bits, value, sizeof bits);
    *value = (positive ? (float)(bits & 0xffff) : (float)(bits >> 8)) / 65536;
  }
}

uint64_t packing(int level, Memory& memory, std::mt19937& random) {
  const uint32_t blocks = random() % 20;
  const uint64_t source = memory.array(blocks * 256, random);
  int32_t* integers = reinterpret_cast<int32_t*>(memory.data() + source);
  for (uint32_t block = 0; block < blocks; block++) {
    const int kept = random() % 33;
    for (uint32_t k = 0; k < 64; k++) {
      int32_t& value = integers[block * 64 + k];
      value = kept == 0 ? 0 : value >> (32 - kept);
    }
  }
  const uint64_t halves = memory.array(blocks, random);
  const uint32_t bytes = AT_LEVEL(widths, memory.data(), halves, source, blocks);
  const uint64_t packed = memory.array(bytes, random);
  AT_LEVEL(pack, memory.data(), packed, source, halves, blocks);
  const uint64_t target = memory.array(blocks * 256, random);
  AT_LEVEL(unpackAdd, memory.data(), target, packed, halves, blocks);
  const uint64_t copy = memory.array(blocks * 256, random);
  AT_LEVEL(unpackSet, memory.data(), copy, packed, halves, blocks);
  if (memcmp(memory.data() + copy, memory.data() + source, blocks * 256) != 0) {
    printf("level %d does not unpack what it packed\n", level);
    exit(1);
  }
  return bytes;
}

uint64_t elements(int level, Memory& memory, std::mt19937& random) {
  const uint32_t length = lengthOf(random);
  const int32_t exponent = (int32_t)(random() % 253) - 126;
  const uint64_t target = memory.array(4 * length, random);
  const uint64_t source = memory.array(4 * length, random);
  const uint64_t other = memory.array(4 * length, random);
  AT_LEVEL(add, memory.data(), target, source, length);
  uint64_t answer = bitsOf(AT_LEVEL(quantiseAdd, memory.data(), target, source, length, exponent));
  answer = answer * 31 + bitsOf(AT_LEVEL(quantiseSet, memory.data(), other, source, length, exponent));
  answer = answer * 31 + bitsOf(AT_LEVEL(maxAbs, memory.data(), source, length));
  answer = answer * 31 + (uint32_t)AT_LEVEL(checksum, memory.data(), source, length, (uint32_t)random());
  AT_LEVEL(copy, memory.data(), source, target, length);
  AT_LEVEL(zero, memory.data(), target, length / 2);
  return answer;
}

uint64_t updates(int level, Memory& memory, std::mt19937& random) {
  const uint32_t length = lengthOf(random);
  const uint64_t p = memory.array(4 * length, random);
  const uint64_t m = memory.array(4 * length, random);
  const uint64_t v = memory.array(4 * length, random);
  const uint64_t g = memory.array(4 * length, random);
  makeFinite(memory, p, length, false);
  makeFinite(memory, m, length, false);
  makeFinite(memory, v, length, true);
  float f[9];
  for (float& each : f) each = factor(random);
  const float resolution = 1.0f / (1 << random() % 30);
  char* at = memory.data();
  AT_LEVEL(adamw, at, p, m, v, g, length, resolution, f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], 1e-8f);
  AT_LEVEL(adam, at, p, m, v, g, length, resolution, f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], 1e-8f);
  AT_LEVEL(momentum, at, p, m, g, length, resolution, f[0], f[1], f[2], f[3], f[4], f[5], f[6]);
  AT_LEVEL(sgd, at, p, g, length, resolution, f[0], f[1], f[2], f[3]);
  AT_LEVEL(lion, at, p, m, g, length, resolution, f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]);
  return bitsOf(AT_LEVEL(squares, at, g, length, resolution, f[0]));
}

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 1 ? atoi(arguments[1]) : 100;
  const unsigned seed = count > 2 ? (unsigned)strtoul(arguments[2], nullptr, 10) : 1;
  const Use uses[] = {packing, elements, updates};
  for (int round = 0; round < rounds; round++)
    for (const Use& use : uses) {
      std::vector<char> expected;
      uint64_t answer = 0;
      for (int level = 0; level <= loop_level(); level++) {
        std::mt19937 random(seed + round);
        Memory memory;
        const uint64_t found = use(level, memory, random);
        const std::vector<char> content = memory.content();
        if (level > 0 && (found != answer || content != expected)) {
          printf("level %d differs in round %d\n", level, round);
          return 1;
        }
        answer = found;
        expected = content;
      }
    }
  printf("loops: %d rounds of each at %d levels\n", rounds, loop_level() + 1);
}
