/* libmirror/libmirror.h - everything an application needs. */
#ifndef LIBMIRROR_H
#define LIBMIRROR_H

#include <libmirror/base.h>
#include <libmirror/configuration.h>
#include <libmirror/context.h>
#include <libmirror/engine.h>
#include <libmirror/filter.h>
#include <libmirror/io.h>
#include <libmirror/match.h>
#include <libmirror/packet.h>
#include <libmirror/run.h>
#include <libmirror/session.h>
#include <libmirror/source.h>
#include <libmirror/stats.h>
#include <libmirror/tap.h>
#include <libmirror/target.h>
#include <libmirror/transaction.h>
#include <libmirror/vxlan.h>
#include <libmirror/worker.h>

#endif
