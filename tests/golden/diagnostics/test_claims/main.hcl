test "x" {
  all     = true
  surface = "identity"
  expect  = "denied"

  assume "a" {
    claims = "everybody"
  }
}
