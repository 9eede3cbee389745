# Tables of what run_match.sh measured: a file per rule list, with the outputs of acl_bench,
# bpf_bench, v6_bench and bench_match --json, and a line "rules N" at the end.
# Rates are M lookups/s, the better batch of a program that tries several.

FNR == 1 {
  name = FILENAME
  names[++lists] = name
}

$1 == "rules" && NF == 2 { rules[name] = $2 }

# acl_bench: NAME build_s=S mem_MB=M bad=N b32=RATE (LOW..HIGH) b256=RATE (LOW..HIGH)
$2 ~ /^build_s=/ {
  best = 0
  for (i = 3; i <= NF; i++)
    if ($i ~ /^b[0-9]+=/) {
      split($i, part, "=")
      if (part[2] + 0 > best) best = part[2] + 0
    }
  split($2, build, "=")
  split($3, memory, "=")
  split($4, bad, "=")
  take($1, best, build[2], memory[2], bad[2])
}

# v6_bench and bpf_bench: NAME bad=N [b256] RATE (...) M/s
$2 ~ /^bad=/ && /M\/s/ {
  split($2, bad, "=")
  take($1, ($3 == "b256") ? $4 : $3, v6_build, "", bad[2])
}
/rte_acl build rc=0/ { for (i = 1; i < NF; i++) if ($i == "rc=0") v6_build = $(i + 1) }
/^#.*filter .* chars/ { v6_build = "" }

# bench_match --json
/^\{"rules_file"/ {
  take("libmirror-" json("isa"), json("mlookups"), json("whole_build_s"),
       json("memory") / 1048576, json("mismatches"))
}

function json(field, text) {
  text = $0
  if (!sub(".*\"" field "\": \"?", "", text)) return ""
  sub(/[",}].*/, "", text)
  return text
}

function take(engine, rate, seconds, memory, wrong) {
  if (engine ~ /^nbv6/) return
  measured[name, engine] = rate
  if (engine ~ /^libmirror-/) mismatches[name] += wrong
  else if (wrong + 0 > 0) peers_wrong[name] = peers_wrong[name] " " engine ":" wrong
  if (engine ~ /^acl-/) {
    acl_build[name] = seconds
    acl_memory[name] = memory
    if (rate + 0 > acl[name] + 0) {
      acl[name] = rate
      acl_variant[name] = substr(engine, 5)
    }
  }
  if (engine ~ /^libmirror-/) {
    if (!(engine in isa_seen)) {
      isa_seen[engine] = 1
      isas[++isa_count] = engine
    }
    # Of all instruction sets the slowest to build and the largest.
    if (seconds + 0 > our_build[name] + 0) our_build[name] = seconds
    if (memory + 0 > our_memory[name] + 0) our_memory[name] = memory
    if (rate + 0 > ours[name] + 0) ours[name] = rate
  }
}

function group_of(list) {
  if (list ~ /6_/) return "IPv6"
  if (rules[list] <= 40) return "up to 40 rules"
  if (rules[list] <= 300) return "up to 300 rules"
  if (rules[list] <= 2000) return "about 1,000 rules"
  if (rules[list] <= 20000) return "about 10,000 rules"
  return "about 100,000 rules"
}

function rate(value) { return (value == "") ? "-" : sprintf("%.1f", value) }

function ratio(value, by) { return (value == "" || by + 0 == 0) ? "-" : sprintf("%.2fx", value / by) }

function time(seconds) {
  if (seconds == "") return "-"
  return (seconds < 1) ? sprintf("%.1f ms", 1000 * seconds) : sprintf("%.1f s", seconds)
}

function size(megabytes) {
  if (megabytes == "") return "-"
  return (megabytes < 1) ? sprintf("%.0f K", 1024 * megabytes) : sprintf("%.1f M", megabytes)
}

function heading(group, i) {
  printf "\n%s, M lookups/s\n%-10s %6s %8s %-10s %8s", group, "list", "rules", "rte_acl", "variant",
    "(scalar)"
  for (i = 1; i <= isa_count; i++) printf " %8s %7s", substr(isas[i], 11), "ratio"
  printf " | %7s %7s %7s | %9s %9s | %8s %8s %7s | %s\n", "naive", "bpf", "jit", "acl build",
    "ours", "acl mem", "ours", "B/rule", "wrong"
}

function row(list, i, value) {
  printf "%-10s %6d %8s %-10s %8s", list, rules[list], rate(acl[list]), acl_variant[list],
    rate(measured[list, "acl-scalar"])
  for (i = 1; i <= isa_count; i++) {
    value = measured[list, isas[i]]
    printf " %8s %7s", rate(value), ratio(value, acl[list])
    if (value + 0 > 0 && acl[list] + 0 > 0) {
      logs[i] += log(value / acl[list])
      counts[i]++
    }
  }
  printf " | %7s %7s %7s | %9s %9s | %8s %8s %7s | %d%s\n", rate(measured[list, "linear"]),
    rate(measured[list, "libpcap-interp"]), rate(measured[list, "rte_bpf-jit"]),
    time(acl_build[list]), time(our_build[list]), size(acl_memory[list]), size(our_memory[list]),
    (our_memory[list] == "") ? "-" : sprintf("%.0f", our_memory[list] * 1048576 / rules[list]),
    mismatches[list], peers_wrong[list]
}

function means(i) {
  printf "%-45s", "geometric mean"
  for (i = 1; i <= isa_count; i++) {
    printf " %8s %7s", "", counts[i] ? sprintf("%.2fx", exp(logs[i] / counts[i])) : "-"
    logs[i] = counts[i] = 0
  }
  printf "\n"
}

# By the number of rules, then as they came.
function sort_lists(i, j, moved) {
  for (i = 2; i <= lists; i++) {
    moved = names[i]
    for (j = i - 1; j >= 1 && rules[names[j]] > rules[moved]; j--) names[j + 1] = names[j]
    names[j + 1] = moved
  }
}

END {
  sort_lists()
  split("up to 40 rules|up to 300 rules|about 1,000 rules|about 10,000 rules|" \
        "about 100,000 rules|IPv6", groups, "|")
  for (g = 1; g <= 6; g++) {
    shown = 0
    for (n = 1; n <= lists; n++) {
      if (group_of(names[n]) != groups[g]) continue
      if (!shown++) heading(groups[g])
      row(names[n])
    }
    if (shown > 1) means()
  }
}
