/* System calls that fail when told to: the linker sends them here (--wrap, see CMakeLists.txt). */
#ifndef TESTS_LIVE_FAULTS_H
#define TESTS_LIVE_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* From now on, `call` fails `times` times with this errno, after `skip` calls that do not. */
void fault_set(const char *call, unsigned skip, unsigned times, int os_error);
/* sendmmsg takes at most so many messages a call; 0: any. */
void fault_short(unsigned messages);
/* read and write move at most so many octets a call; 0: any. */
void fault_short_octets(size_t octets);
void fault_clear(void);
/* For calls that a test wraps itself: whether this one is to fail, with errno. */
bool fault_fails(const char *call);
/* How often it failed since fault_set. */
unsigned fault_hits(void);
/* Calls since fault_set or fault_clear, failed or not, of the call named last; of sendmmsg always.
 */
unsigned fault_sends(void);

/* Descriptors that are open. */
unsigned fault_descriptors(void);
/* Puts the process into a network namespace of its own, with lo up. False: not permitted. */
bool fault_namespace(void);

#endif
