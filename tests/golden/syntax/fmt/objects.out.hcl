a = { b = 1, c : 2 }
d = {
  x            = 1
  longer       = 2 # c
  "quoted key" = 3
  (expr)       = 4
  y : 5
}
e = {}
f = {}
g = [{
  h = 1
  }, {
  i = 2
}]
