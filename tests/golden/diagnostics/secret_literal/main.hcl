locals {
  key = "AKIAQQ6ZTESTTESTTEST"
}
