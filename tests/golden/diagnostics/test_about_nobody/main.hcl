test "x" {
  surface = "identity"
  expect  = "denied"

  assume "a" {
    claims = { a = "b" }
  }
}
