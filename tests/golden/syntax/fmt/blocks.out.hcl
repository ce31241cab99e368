a {}
b {}
c { d = 1 }
e {
  f {
    g = 1
  }



  h {
  }
}
i "x" {
  j = 1
}
