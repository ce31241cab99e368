a   = 1
bbb = 2 # one
cc  = 3 # two

d = 4 // three
eeee = {
}
f = 5
block {
  x  = 1
  yy = 2
}
