"""Uploads that are struck at a single system call, and the disks that power cuts leave behind."""
