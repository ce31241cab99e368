a = b
c = b.c # d
e = "${b}${c}"
f = "${b}"
g = b
h = (b ?
c : d)
i = "${b} "
j = {
  k = "${l}"
}
m = foo("${n}")
block {
  o = p
}
