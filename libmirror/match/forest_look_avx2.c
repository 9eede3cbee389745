#define LOOK mri_forest_look_avx2
#include "match/forest_look_body.h"
