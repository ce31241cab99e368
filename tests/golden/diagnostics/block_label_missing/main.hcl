tool {
}
