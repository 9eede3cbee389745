/*
 * What helgrind is told of orders that it cannot see, since they come of atomic accesses and not of
 * locks. Nothing of it is in a build without -DMIRROR_HELGRIND (tests/model/test_helgrind.sh).
 */
#ifndef MRI_CORE_RACE_H
#define MRI_CORE_RACE_H

#ifdef MIRROR_HELGRIND

#include <valgrind/helgrind.h>

/* What this thread did so far is done before what is done behind MRI_TAKES_OVER of this address. */
#define MRI_HANDS_OVER(address) ANNOTATE_HAPPENS_BEFORE(address)
#define MRI_TAKES_OVER(address) ANNOTATE_HAPPENS_AFTER(address)
/* Memory that is accessed atomically alone, until it is freed. */
#define MRI_ATOMIC(address, octets) VALGRIND_HG_DISABLE_CHECKING(address, octets)

#else

#define MRI_HANDS_OVER(address) ((void)(address))
#define MRI_TAKES_OVER(address) ((void)(address))
#define MRI_ATOMIC(address, octets) ((void)(address))

#endif

#endif
