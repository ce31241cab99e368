a = (b
  ? c
: d)
e = b ? {
  f = 1
  } : {
  g = 2
}
