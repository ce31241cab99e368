a = [for x in y : x]
b = { for k, v in m : k => v... if v }
c = [for x in [1, 2] : x]
d = {
  for k, v in m :
  k => v
}
