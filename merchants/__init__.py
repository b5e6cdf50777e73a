"""The adapter door: one package per industry or merchant. README.md says how to add one."""
