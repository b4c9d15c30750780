"""Settings to programs to supervisord: PID 1, ordered start, watchdog, one log stream."""
