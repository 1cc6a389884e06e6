// Directories that the tests make are then writable for their owner only, and a listener is bound at its path, whatever umask the
// tests are started under. A test of another umask sets its own.
process.umask(0o022);
