"""One newsletter for many recipients: parsed once, filled and tracked for each, written in one of several formats.

What comes out is what the service would send: templates are filled first, and then the links of the page are replaced.
"""
