"""Merchant adapters: one package per industry or merchant. README.md describes how to add one."""
