#include "match/engine.h"

int32_t mri_forest_build(const struct mri_build *build, struct mri_engine *engine) {
  return mri_nibbles_build(build, engine);
}
