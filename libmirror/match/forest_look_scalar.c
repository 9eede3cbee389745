#define LOOK mri_forest_look_scalar
#include "match/forest_look_body.h"
