test "x" {
  all     = true
  surface = "identity"
  expect  = "denied"
}
