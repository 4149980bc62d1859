// The float32 gradients that the int32 ones in the arena stand for; included once a level (levels.h).

namespace LEVEL {

/** float32(gradient) · resolution · scale, each product rounded. */
HELPER float meanOf(int32_t gradient, float resolution, float scale) {
  return (float)gradient * resolution * scale;
}

}  // namespace LEVEL
