/*
 * Publishing and retiring plans (libmirror/plan/publish.h and publish.c), for spin: READERS packet
 * threads and a control side that makes COMMITS commits. Plans are numbers of a small pool, so that
 * the memory of a destroyed plan is used again, as an allocator would.
 *
 * What is asserted:
 *   - no packet thread uses a plan that is destroyed (or its memory as another plan),
 *   - a packet thread never goes back to an older configuration,
 *   - a batch has the configuration that was published when it began, or a newer one,
 *   - no more plans stay alive than the published one and one for each packet thread.
 *
 * The model is sequentially consistent, as the four accesses that it is about are. What a weaker
 * order of them would mean is modelled by a store that waits in a buffer. Each of these variants
 * breaks an assertion, and test_model.sh sees to it that spin finds that:
 *   -DBUFFERED_ANNOUNCEMENT  the reader's announcement may be seen after its second look
 *   -DBUFFERED_SWAP          the swap may be seen after the commit's look at the announcements
 *   -DNO_SECOND_LOOK         the reader does not look again
 *   -DLOOK_FIRST             the commit looks at the announcements before it swaps
 */
#ifndef READERS
#define READERS 2
#endif
#ifndef COMMITS
#define COMMITS 3
#endif
#ifndef BATCHES
#define BATCHES 2
#endif
#define PLANS (READERS + 3)
#define NONE PLANS

byte published = 0;     /* publisher.plan */
byte announced[READERS]; /* reader.plan */
bool alive[PLANS];
bool retired[PLANS];
byte number[PLANS]; /* of the configuration; the control side writes it before it publishes */

/* A store buffer of one place for each thread; empty: NONE. */
byte waiting[READERS];
byte waiting_swap = NONE;

byte newest = 0; /* number of the configuration that is published for all to see */

init {
  byte i = 0;
  alive[0] = true;
  do
  :: i < READERS -> announced[i] = NONE; waiting[i] = NONE; i++
  :: else -> break
  od;
  atomic {
    i = 0;
    do
    :: i < READERS -> run reader(i); i++
    :: else -> break
    od;
    run control();
#ifdef BUFFERED_SWAP
    run swap_reaches_memory();
#endif
#ifdef BUFFERED_ANNOUNCEMENT
    i = 0;
    do
    :: i < READERS -> run announcement_reaches_memory(i); i++
    :: else -> break
    od
#endif
  }
}

proctype reader(byte me) {
  byte mine = NONE, plan, seen = 0, batches = 0, newest_before;
  do
  :: batches < BATCHES ->
     newest_before = newest;
     plan = published;
     do
     :: plan != mine ->
#ifdef BUFFERED_ANNOUNCEMENT
        atomic { waiting[me] == NONE -> waiting[me] = plan };
#else
        announced[me] = plan;
#endif
        mine = plan;
#ifdef NO_SECOND_LOOK
        break
#else
        plan = published
#endif
     :: else -> break
     od;
     /* The batch: packets at its beginning and at its end. */
     atomic {
       assert(alive[mine]);
       assert(number[mine] >= seen);
       assert(number[mine] >= newest_before);
       seen = number[mine]
     };
     assert(alive[mine] && number[mine] == seen);
     batches++
  :: else -> break
  od
}

/* Destroys the retired plans that nobody announces, looking at one announcement after the other. */
inline collect() {
  plan = 0;
  do
  :: plan < PLANS ->
     if
     :: retired[plan] ->
        in_use = false;
        i = 0;
        do
        :: i < READERS ->
           if
           :: announced[i] == plan -> in_use = true
           :: else
           fi;
           i++
        :: else -> break
        od;
        if
        :: in_use
        :: else -> atomic { retired[plan] = false; alive[plan] = false }
        fi
     :: else
     fi;
     plan++
  :: else -> break
  od
}

inline swap() {
#ifdef BUFFERED_SWAP
  atomic { waiting_swap == NONE -> waiting_swap = fresh }
#else
  atomic { published = fresh; newest = number[fresh] }
#endif
}

proctype control() {
  byte commits = 0, fresh, old = 0, plan, i;
  bool in_use;
  do
  :: commits < COMMITS ->
     atomic {
       fresh = 0;
       do
       :: fresh < PLANS && alive[fresh] -> fresh++
       :: else -> break
       od;
       assert(fresh < PLANS); /* else more are alive than there should be */
       commits++;
       alive[fresh] = true;
       number[fresh] = commits
     };
#ifdef LOOK_FIRST
     retired[old] = true;
     collect();
     swap();
#else
     swap();
     retired[old] = true;
     collect();
#endif
     old = fresh
  :: else -> break
  od
}

/* Stores leave their buffers at any time. */
#ifdef BUFFERED_ANNOUNCEMENT
proctype announcement_reaches_memory(byte me) {
end:
  do
  :: atomic { waiting[me] != NONE -> announced[me] = waiting[me]; waiting[me] = NONE }
  od
}
#endif

#ifdef BUFFERED_SWAP
proctype swap_reaches_memory() {
end:
  do
  :: atomic {
       waiting_swap != NONE ->
       published = waiting_swap;
       newest = number[waiting_swap];
       waiting_swap = NONE
     }
  od
}
#endif
