// What Node occupies when it does nothing.
setInterval(() => {}, 1 << 30)
