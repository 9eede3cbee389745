/* Lengths and numbers of the outer headers. */
#ifndef MRI_ENCAP_HEADERS_H
#define MRI_ENCAP_HEADERS_H

#define MRI_ETHERNET_LENGTH 14u
#define MRI_IPV4_LENGTH 20u /* without options */
#define MRI_IPV6_LENGTH 40u
#define MRI_UDP_LENGTH 8u
#define MRI_VXLAN_LENGTH 8u

#define MRI_ETHERTYPE_IPV4 0x0800u
#define MRI_ETHERTYPE_IPV6 0x86ddu
#define MRI_PROTOCOL_UDP 17u

#define MRI_VXLAN_I_BIT 0x08u /* in the first octet; all other flags are reserved */

#endif
