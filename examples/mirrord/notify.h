/*
 * What systemd is told (sd_notify(3)). The protocol is one datagram, documented as stable, and made
 * to be spoken without libsystemd, which a program with capabilities is better off without.
 */
#ifndef MIRRORD_NOTIFY_H
#define MIRRORD_NOTIFY_H

/* Looks for NOTIFY_SOCKET; without it nothing is told. */
void notify_open(void);
void notify_close(void);
/* Sends lines such as "READY=1\nSTATUS=...", as printf. Never waits. */
void notify(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* RELOADING=1, with the time that Type=notify-reload wants. */
void notify_reloading(void);

#endif
