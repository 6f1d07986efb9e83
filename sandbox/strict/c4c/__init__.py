"""The rules of C4C's OData v2 service: resources, query options, `$filter`, entity bodies, `$batch`, CSRF."""
