moved {
  from = person.rob
  to   = person.bob
}
